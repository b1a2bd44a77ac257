"""First stage, routing: finds the operation by method and path. Knows no headers and no bodies."""

from __future__ import annotations

from novita_mock._api.description import Description, Operation
from novita_mock._core.errors import Refused
from novita_mock._core.http import value

PARAMETER = "{model}"


@value
class Located:
    """The operation, and the model id if the path contains one."""

    operation: Operation
    model: str | None = None


class Routes:
    """The paths of all operations under all base paths, computed once."""

    def __init__(self, description: Description) -> None:
        self._exact: dict[str, Operation] = {}
        self._prefixes: dict[str, Operation] = {}
        for operation in description.operations.values():
            for base in operation.bases:
                path, parameter, _ = (base + operation.path).partition(PARAMETER)
                (self._prefixes if parameter else self._exact)[path] = operation

    def find(self, path: str) -> Located | None:
        """The operation at a percent-decoded `path`; a model id may contain slashes."""
        operation = self._exact.get(path)
        if operation is not None:
            return Located(operation)
        for prefix, operation in self._prefixes.items():
            if path.startswith(prefix) and len(path) > len(prefix):
                # Invalid UTF-8 names no model, and an answer could not repeat it.
                return Located(operation, path[len(prefix) :].encode(errors="replace").decode())
        return None


def route(routes: Routes, method: str, path: str) -> Located:
    """The operation of `method` and `path`. Refuses an unknown path and a wrong method."""
    located = routes.find(path)
    if located is None:
        raise Refused("unknown_route", path=path)
    if method != located.operation.method:
        raise Refused("wrong_method", allow=located.operation.method)
    return located
