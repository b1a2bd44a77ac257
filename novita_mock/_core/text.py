"""Texts shortened for display."""

from __future__ import annotations


def shorten(text: str, most: int = 200) -> str:
    """`text`, with dots in place of everything beyond `most` characters."""
    return text if len(text) <= most else text[:most] + "..."
