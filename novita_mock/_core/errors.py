"""Why a request is refused: the exception of the stages, and how a request asks for an error."""

from __future__ import annotations

ERROR_MODEL = "mock/"
"""What a model id begins with that asks for an error by its reason."""
FAULT_HEADER = b"x-novita-mock-fault"
"""The header in which a request asks for a fault."""


class Refused(Exception):
    """A room refuses the request.

    `name` is a situation of `schemas/errors.json`, or a reason asked for by its name;
    `detail` fills the placeholders of the message.
    """

    def __init__(self, name: str, **detail: object) -> None:
        super().__init__(name)
        self.name = name
        self.detail = detail


def wished(reason: str, model: str = "the model") -> Refused:
    """The refusal that a request asked for by its `reason`."""
    return Refused(reason, problem="this error was asked for", model=model, hint="")


ERROR_HEADER = b"x-novita-mock-error"
