"""The text in messages."""

from __future__ import annotations

from novita_mock._core.http import Json


def content_text(content: object) -> str:
    """The text of a message's content, with its parts joined."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part["type"] == "text")
    return ""


def last_text(messages: list[Json], role: str) -> str:
    """The text of the last message of `role`; empty if there is none."""
    for message in reversed(messages):
        if message["role"] == role:
            return content_text(message.get("content"))
    return ""
