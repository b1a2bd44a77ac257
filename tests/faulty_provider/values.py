"""The values that pass through the faulty provider, and the points where a fault may reach in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Json = Any
Body = dict[str, Any]
Operation = Literal["chat", "text", "list", "retrieve"]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    query: str = ""
    raw_path: str = ""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass(frozen=True)
class Reply:
    """An answer: `parts` are the pieces in which the body is sent."""

    status: int
    headers: tuple[tuple[str, str], ...]
    parts: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    @property
    def content_type(self) -> str:
        return next((value for key, value in self.headers if key == "content-type"), "")


class Refused(Exception):
    """A request is refused: the situation names a row of the error table."""

    def __init__(self, situation: str, message: str = "") -> None:
        super().__init__(situation, message)
        self.situation = situation
        self.message = message


@dataclass
class Call:
    id: str
    name: str
    arguments: str


@dataclass
class Choice:
    index: int
    reasoning: list[str]
    tokens: list[str]
    calls: list[Call]
    finish: str

    @property
    def text(self) -> str:
        return "".join(self.tokens)


@dataclass
class Completion:
    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """One documented constraint; `holds` is false for a body that breaks it, `bad` breaks it."""

    name: str
    field: str
    about: str
    holds: Callable[[Body], bool]
    bad: Body
    operations: frozenset[str] = frozenset({"chat", "text"})


@dataclass(frozen=True)
class Hooks:
    """Where behaviour may be changed, in the order in which a request passes by."""

    request: Callable[[Request], Request] | None = None
    skip: frozenset[str] = frozenset()
    extra: tuple[Rule, ...] = ()
    body: Callable[[Body, Request], Body] | None = None
    find_stop: Callable[[list[str], list[str]], int | None] | None = None
    plan: Callable[[Completion, Body], Completion] | None = None
    answer: Callable[[Json, Body], Json] | None = None
    chunks: Callable[[list[Json], Body], list[Json]] | None = None
    frames: Callable[[list[bytes], Body], list[bytes]] | None = None
    rows: Callable[[list[Json]], list[Json]] | None = None
    listing: Callable[[Json], Json] | None = None
    row: Callable[[Json], Json] | None = None
    error: Callable[[Json], Json] | None = None
    reply: Callable[[Reply, Request], Reply] | None = None


@dataclass(frozen=True)
class Fault:
    """One way to break the contract. `law` is the section of the laws that it breaks; a fault of
    strength "should" breaks something that another page or an observation contradicts. `probe` are
    requests whose answers, together, differ from the conforming ones."""

    law: str
    about: str
    probe: tuple[Request, ...]
    hooks: Hooks
    strength: Literal["must", "should"] = "must"


@dataclass(frozen=True)
class Variation:
    """Another honest way to keep the contract, seen on the wire."""

    about: str
    hooks: Hooks
