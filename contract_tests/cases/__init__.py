"""The requests that the suite sends."""
