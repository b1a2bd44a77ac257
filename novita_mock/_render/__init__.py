"""From a completion to the bytes of the wire."""
