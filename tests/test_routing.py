"""Routing: method and path determine the operation."""

from __future__ import annotations

import pytest

from novita_mock import Mock, Request
from novita_mock._api.description import Description
from novita_mock._core.errors import Refused
from novita_mock._engine.routing import Routes, route
from tests.ask import DESCRIPTION, KEY

BASES = ["/v3/openai", "/openai/v1", "/openai", "/v3/openai/v1"]
KNOWN = [
    ("POST", "/chat/completions", "chat.completions", None),
    ("POST", "/completions", "completions", None),
    ("GET", "/models", "models.list", None),
    ("GET", "/models/bunny", "models.retrieve", "bunny"),
    ("GET", "/models/a/b", "models.retrieve", "a/b"),
    ("GET", "/models/deepseek/deepseek-r1/community", "models.retrieve",
     "deepseek/deepseek-r1/community"),
    ("GET", "/models/a b/ü", "models.retrieve", "a b/ü"),
]  # fmt: skip
UNKNOWN = [
    "", "/", "/v3/openai", "/v3/openai/", "/v1/models", "/v3/chat/completions", "/chat/completions",
    "/v3/openai/chat", "/v3/openai/chat/completions/", "/v3/openai//chat/completions",
    "/v3/openai/chat/completions/x", "/v3/openai/CHAT/completions", "/v3/openai/models/",
    "/v3/openai/modelsx", "/v3/openai/responses", "/v3/openai/v1/v1/models",
    "/anthropic/v1/messages", "v3/openai/models", "*", "https://api.novita.ai/v3/openai/models",
]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "post", "get", "TRACE", ""]


@pytest.fixture(scope="module")
def routes() -> Routes:
    description: Description = DESCRIPTION
    return Routes(description)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(("method", "path", "operation", "model"), KNOWN)
def test_an_operation_is_found_under_every_base(
    routes: Routes, base: str, method: str, path: str, operation: str, model: str | None
) -> None:
    located = route(routes, method, base + path)
    assert (located.operation.name, located.model) == (operation, model)


@pytest.mark.parametrize("path", UNKNOWN)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_path_is_refused_whatever_the_method(
    routes: Routes, method: str, path: str
) -> None:
    with pytest.raises(Refused) as refusal:
        route(routes, method, path)
    assert refusal.value.name == "unknown_route"


@pytest.mark.parametrize(("own", "path", "_operation", "_model"), KNOWN[:5])
@pytest.mark.parametrize("method", METHODS)
def test_only_an_operations_own_method_is_taken(
    routes: Routes, own: str, path: str, _operation: str, _model: str | None, method: str
) -> None:
    if method == own:
        assert route(routes, method, BASES[0] + path)
        return
    with pytest.raises(Refused) as refusal:
        route(routes, method, BASES[0] + path)
    assert (refusal.value.name, refusal.value.detail) == ("wrong_method", {"allow": own})


@pytest.mark.parametrize("edition", DESCRIPTION.errors.editions)
def test_an_unknown_route_is_404_in_plain_text(edition: str) -> None:
    headers = {b"authorization": b"Bearer " + KEY.encode()}
    reply = Mock(edition=edition).answer(Request("POST", "/v3/openai/responses", headers, b"{}"))
    assert (reply.status, reply.body) == (404, b"404 page not found")
    assert dict(reply.headers)[b"content-type"] == b"text/plain; charset=utf-8"


@pytest.mark.parametrize("headers", [{}, {b"x-novita-mock-error": b"NOT_ENOUGH_BALANCE"}])
def test_an_unknown_route_needs_no_key_and_heeds_no_header(headers: dict[bytes, bytes]) -> None:
    assert Mock().answer(Request("GET", "/nowhere", headers)).body == b"404 page not found"


def test_a_wrong_method_is_refused_with_the_right_one() -> None:
    reply = Mock().answer(Request("DELETE", "/v3/openai/models", {}))
    assert reply.status == 405
    assert dict(reply.headers)[b"allow"] == b"GET"
    assert dict(reply.headers)[b"content-length"] == b"%d" % len(reply.body)
