"""From a completion to the bytes on the wire."""
