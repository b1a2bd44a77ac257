"""Below and beside the ASGI application: the connection itself, and the control API."""
