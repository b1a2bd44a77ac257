"""The requests that are sent."""
