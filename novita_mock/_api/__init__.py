"""The API as `schemas/` describes it: what is valid, what is wrong with a request, OpenAPI."""
