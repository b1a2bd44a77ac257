"""The recorded calls, and how they are queried and described."""
