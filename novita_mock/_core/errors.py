"""Refusals: the exception that stages raise, and how a request asks for an error or a fault."""

from __future__ import annotations

ERROR_MODEL = "mock/"
"""Prefix of a model id that asks for an error by its reason."""
FAULT_HEADER = b"x-novita-mock-fault"
"""The header with which a request asks for a fault."""


class Refused(Exception):
    """A stage refuses the request.

    `name` is a situation in `schemas/errors.json`, or a reason that the request asked for.
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
"""The header with which a request asks for an error."""
