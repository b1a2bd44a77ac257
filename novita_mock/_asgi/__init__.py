"""What the ASGI application builds on: the raw connection and the admin API."""
