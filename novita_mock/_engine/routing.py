"""First stage, routing: finds the operation by method and path. Knows no headers and no bodies."""

from __future__ import annotations

import re
from collections.abc import Mapping

from novita_mock._api.description import Description, Operation
from novita_mock._core.errors import Refused
from novita_mock._core.http import value

MODEL = "model"
PARAMETER = re.compile(r"\{(\w+)\}")
_NONE: Mapping[str, str] = {}


@value
class Located:
    """The operation, and the parameters of its path."""

    operation: Operation
    parameters: Mapping[str, str]

    @property
    def model(self) -> str | None:
        """The model id in the path, if it has one."""
        return self.parameters.get(MODEL)


Methods = dict[str, Operation]


class Routes:
    """The paths of all operations under all base paths, computed once."""

    def __init__(self, description: Description) -> None:
        self._exact: dict[str, Methods] = {}
        self._patterns: dict[re.Pattern[str], Methods] = {}
        for operation in description.operations.values():
            for base in operation.bases:
                path = base + operation.path
                if PARAMETER.search(path):
                    methods = self._patterns.setdefault(re.compile(pattern(path), re.DOTALL), {})
                else:
                    methods = self._exact.setdefault(path, {})
                methods[operation.method] = operation

    def find(self, path: str) -> tuple[Methods, Mapping[str, str]] | None:
        """The operations at a percent-decoded `path` by method, and the parameters in it."""
        methods = self._exact.get(path)
        if methods is not None:
            return methods, _NONE
        for known, methods in self._patterns.items():
            if match := known.fullmatch(path):
                # Invalid UTF-8 names nothing, and an answer could not repeat it.
                found = match.groupdict().items()
                return methods, {k: v.encode(errors="replace").decode() for k, v in found}
        return None


def pattern(path: str) -> str:
    """A regular expression for the path of an operation. A model id may contain slashes."""
    parts = PARAMETER.split(path)
    for index in range(1, len(parts), 2):
        parts[index] = f"(?P<{parts[index]}>{'.+' if parts[index] == MODEL else '[^/]+'})"
    return "".join(part if n % 2 else re.escape(part) for n, part in enumerate(parts))


def route(routes: Routes, method: str, path: str) -> Located:
    """The operation of `method` and `path`. Refuses an unknown path and a wrong method."""
    found = routes.find(path)
    if found is None:
        raise Refused("unknown_route", path=path)
    methods, parameters = found
    operation = methods.get(method)
    if operation is None:
        raise Refused("wrong_method", allow=", ".join(methods))
    return Located(operation, parameters)
