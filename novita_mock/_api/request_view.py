"""What a rule can look at in a request. Each fact is read when a rule first asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from novita_mock._api.messages import content_text, last_text
from novita_mock._core.http import Json
from novita_mock._core.redaction import CREDENTIALS, redact

HEADER = "header "
"""What the names of conditions on headers begin with."""


@dataclass(frozen=True)
class RequestView:
    """The facts of one request: its valid `body`, and the headers that were `sent` with it."""

    operation: str
    model: str | None
    stream: bool
    body: Json = field(repr=False)
    sent: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)

    @cached_property
    def _messages(self) -> list[Json]:
        return self.body.get("messages") or []

    @cached_property
    def last_user(self) -> str:
        """Text of the last message of the user; of a completion, its prompt."""
        said = last_text(self._messages, "user")
        if said:
            return said
        prompt = self.body.get("prompt")
        prompts = prompt if isinstance(prompt, list) else [prompt]
        return "\n".join(text for text in prompts if isinstance(text, str))

    @cached_property
    def system(self) -> str:
        """Text of the last system message."""
        return last_text(self._messages, "system")

    @cached_property
    def turn(self) -> int:
        """Number of messages of the user."""
        return sum(message["role"] == "user" for message in self._messages) or 1

    @cached_property
    def tool_result(self) -> str | None:
        """Text of the tool result that ends the conversation; None if none does."""
        results = (content_text(m["content"]) for m in self._messages[-1:] if m["role"] == "tool")
        return next(results, None)

    @cached_property
    def tools(self) -> list[str]:
        """Names of the tools that are offered."""
        return [tool["function"]["name"] for tool in self.body.get("tools") or ()]

    @cached_property
    def headers(self) -> dict[str, str]:
        """Headers, lower-case, without those that carry credentials."""
        named = ((name.decode("latin-1"), value) for name, value in self.sent.items())
        return {name: v.decode("latin-1") for name, v in named if name not in CREDENTIALS}

    def hide(self, text: str) -> str:
        """`text` without the caller's key."""
        sent = self.sent.get(b"authorization", b"").strip()
        return redact(text, sent.rpartition(b" ")[2].decode("latin-1"))

    @cached_property
    def _folded(self) -> dict[str, str | None]:
        return {}

    def text(self, name: str) -> str | None:
        """The text that a condition of that name looks at."""
        if name.startswith(HEADER):
            return self.headers.get(name.removeprefix(HEADER))
        text: str | None = getattr(self, name)
        return text

    def folded(self, name: str) -> str | None:
        """The same, case aside."""
        if name not in self._folded:
            text = self.text(name)
            self._folded[name] = None if text is None else text.casefold()
        return self._folded[name]
