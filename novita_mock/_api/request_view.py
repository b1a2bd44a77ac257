"""The view of a request that rules match against. Each part is read when first needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from novita_mock._api import redactors
from novita_mock._api.messages import content_text, last_text
from novita_mock._core.http import Json
from novita_mock._core.redaction import CREDENTIALS

HEADER = "header "
"""Prefix of the names of header conditions."""


@dataclass(frozen=True)
class RequestView:
    """What rules see of one request: its valid `body`, and the headers `sent` with it. `prompt` is
    the member of the body that has the caller's text, unless there are messages."""

    operation: str
    model: str | None
    stream: bool
    body: Json = field(repr=False)
    sent: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    prompt: str = "prompt"

    @cached_property
    def _messages(self) -> list[Json]:
        return self.body.get("messages") or []

    @cached_property
    def last_user(self) -> str:
        """Text of the last user message; without messages, that of the prompt."""
        message = last_text(self._messages, "user")
        if message:
            return message
        prompt = self.body.get(self.prompt)
        prompts = prompt if isinstance(prompt, list) else [prompt]
        return "\n".join(text for text in prompts if isinstance(text, str))

    @cached_property
    def system(self) -> str:
        """Text of the last system message."""
        return last_text(self._messages, "system")

    @cached_property
    def turn(self) -> int:
        """Number of user messages, at least 1."""
        return sum(message["role"] == "user" for message in self._messages) or 1

    @cached_property
    def tool_result(self) -> str | None:
        """Text of the tool result that ends the conversation; None without one."""
        results = (content_text(m["content"]) for m in self._messages[-1:] if m["role"] == "tool")
        return next(results, None)

    @cached_property
    def tools(self) -> list[str]:
        """Names of the tools in the request."""
        return [tool["function"]["name"] for tool in self.body.get("tools") or ()]

    @cached_property
    def headers(self) -> dict[str, str]:
        """Headers with lower-case names, without those that carry credentials."""
        named = ((name.decode("latin-1"), value) for name, value in self.sent.items())
        return {name: v.decode("latin-1") for name, v in named if name not in CREDENTIALS}

    def hide(self, text: str) -> str:
        """`text` without the caller's credentials, and without what looks like one."""
        return redactors.of_headers(self.sent)(text)

    @cached_property
    def _folded(self) -> dict[str, str | None]:
        return {}

    def text(self, name: str) -> str | None:
        """The text that the condition `name` looks at."""
        if name.startswith(HEADER):
            return self.headers.get(name.removeprefix(HEADER))
        text: str | None = getattr(self, name)
        return text

    def folded(self, name: str) -> str | None:
        """The same, case-folded."""
        if name not in self._folded:
            text = self.text(name)
            self._folded[name] = None if text is None else text.casefold()
        return self._folded[name]
