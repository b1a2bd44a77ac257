"""The API as schemas/ describes it: what is valid, what went wrong with a request, OpenAPI."""
