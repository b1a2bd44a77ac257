"""The admin API, through an ASGI client that can come from any address."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from novita_mock import Mock
from novita_mock._asgi.admin import Access
from novita_mock.starlette import Endpoint
from tests.ask import EDITIONS, KEY, MODEL, body_of

ROOT = "/__mock__"
CHAT = "/v3/openai/chat/completions"
BEARER = {"authorization": f"Bearer {KEY}"}
TOKEN = "t0ken-of-the-control"
SUN = {"rules": [{"when": {"last_user": "weather"}, "say": "Sunny."}]}
GUARDED = [
    ("GET", "/requests"),
    ("DELETE", "/requests"),
    ("GET", "/requests.har"),
    ("GET", "/verdict"),
    ("GET", "/metrics"),
    ("POST", "/reset"),
    ("GET", "/scenario"),
    ("PUT", "/scenario"),
    ("GET", "/balance"),
    ("POST", "/balance"),
    ("POST", "/clock"),
]

each_guarded = pytest.mark.parametrize(("method", "path"), GUARDED, ids=lambda part: str(part))


def client(
    mock: Mock | None = None, *, host: str = "127.0.0.1", access: Access | None = None
) -> TestClient:
    endpoint = Endpoint(mock or Mock(), access=access or Access())
    return TestClient(endpoint, client=(host, 50_000), base_url="http://127.0.0.1")


def chat(found: TestClient, **fields: Any) -> Any:
    return found.post(CHAT, json=body_of(**fields), headers=BEARER)


@each_guarded
@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine_is_let_in(method: str, path: str, host: str) -> None:
    assert client(host=host).request(method, ROOT + path).status_code != 403


@each_guarded
@pytest.mark.parametrize("host", ["10.0.0.7", "192.168.1.2", "2001:db8::1", "0.0.0.0"])
@pytest.mark.parametrize("edition", EDITIONS)
def test_another_machine_is_not(method: str, path: str, host: str, edition: str) -> None:
    refused = client(Mock(edition=edition), host=host).request(method, ROOT + path)
    assert (refused.status_code, refused.json()["code"]) == (403, 403)
    assert "--control-token" in refused.json()["message"]


@each_guarded
def test_another_machine_is_let_in_with_the_token_only(method: str, path: str) -> None:
    found = client(host="10.0.0.7", access=Access(TOKEN))
    for wrong in ("", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN.upper()):
        sent = found.request(method, ROOT + path, headers={"authorization": wrong})
        assert sent.status_code == 403
        assert TOKEN not in sent.text
    right = {"authorization": f"Bearer {TOKEN}"}
    assert found.request(method, ROOT + path, headers=right).status_code != 403


@each_guarded
def test_a_page_of_another_origin_is_another_machine(method: str, path: str) -> None:
    page = {"origin": "https://evil.example"}
    assert client().request(method, ROOT + path, headers=page).status_code == 403
    let_in = client(access=Access(None, ["https://evil.example"]))
    assert let_in.request(method, ROOT + path, headers=page).status_code != 403


def test_health_and_the_description_are_open_to_all() -> None:
    far = client(host="10.0.0.7")
    assert far.get(f"{ROOT}/health").json()["status"] == "ok"
    assert far.get(f"{ROOT}/openapi.json").json()["openapi"].startswith("3.1")


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(Access(TOKEN))


def test_calls_are_listed_without_keys_and_can_be_deleted() -> None:
    found = client()
    assert chat(found).status_code == 200
    assert chat(found, model="no/model").status_code == 404
    listed = found.get(f"{ROOT}/requests")
    assert [row["status"] for row in listed.json()["requests"]] == [200, 404]
    assert listed.json()["requests"][0]["operation"] == "chat.completions"
    assert KEY not in listed.text
    assert len(found.get(f"{ROOT}/requests?status=404").json()["requests"]) == 1
    assert len(found.get(f"{ROOT}/requests?model=no/*&limit=5").json()["requests"]) == 1
    assert found.delete(f"{ROOT}/requests").json() == {"requests": []}
    assert found.get(f"{ROOT}/requests").json() == {"requests": []}


@pytest.mark.parametrize("query", ["colour=red", "status=abc", "limit=-1"])
def test_an_unknown_filter_is_refused(query: str) -> None:
    refused = client().get(f"{ROOT}/requests?{query}")
    assert refused.status_code == 400
    assert query.partition("=")[0] in refused.json()["message"]


def test_a_scenario_can_be_put_and_read_back() -> None:
    found = client()
    put = found.put(f"{ROOT}/scenario", content=json.dumps(SUN))
    assert (put.status_code, put.json()) == (200, SUN)
    assert found.get(f"{ROOT}/scenario").json() == SUN
    asked = [{"role": "user", "content": "How is the weather?"}]
    answer = chat(found, messages=asked).json()
    assert answer["choices"][0]["message"]["content"] == "Sunny."


def test_a_scenario_can_be_put_as_yaml() -> None:
    found = client()
    put = found.put(f"{ROOT}/scenario", content="rules:\n  - say: Hello.\n")
    assert put.json() == {"rules": [{"say": "Hello."}]}
    assert chat(found).json()["choices"][0]["message"]["content"] == "Hello."


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"rules: [", "scenario: "),
        (b"\xff", "not UTF-8"),
        (b"[" * 5000, "nested too deep"),
        (b"[]", "$: expected object"),
        (b'{"rules": [{"sya": "x"}]}', "$.rules[0]"),
        (b'{"rules": [{"fault": "nope"}]}', "$.rules[0]: no fault is spelt 'nope'"),
    ],
    ids=["broken", "not-utf8", "deep", "list", "unknown-word", "unknown-fault"],
)
def test_what_is_no_scenario_is_refused_with_the_place(body: bytes, said: str) -> None:
    found = client(Mock(scenario=SUN))
    refused = found.put(f"{ROOT}/scenario", content=body)
    assert refused.status_code == 400
    assert said in refused.json()["message"]
    assert found.get(f"{ROOT}/scenario").json() == SUN


def test_a_refusal_does_not_repeat_the_key() -> None:
    body = json.dumps({"rules": [{"sya": KEY}]})
    refused = client().put(f"{ROOT}/scenario", content=body, headers=BEARER)
    assert refused.status_code == 400
    assert KEY not in refused.text


def test_a_reset_goes_back_to_the_start() -> None:
    mock = Mock(scenario=SUN, balance=1)
    found = client(mock)
    first = chat(found).json()["id"]
    found.put(f"{ROOT}/scenario", content="rules: [{refuse: RATE_LIMIT_EXCEEDED}]")
    assert chat(found).status_code == 429
    found.post(f"{ROOT}/balance", json={"key": KEY, "usd": 5})
    assert found.post(f"{ROOT}/reset").json() == {"status": "ok"}
    assert found.get(f"{ROOT}/scenario").json() == SUN
    assert found.get(f"{ROOT}/requests").json() == {"requests": []}
    assert mock.wallet.left(KEY) == 1
    assert chat(found).json()["id"] == first


def test_a_wallet_is_shown_and_filled() -> None:
    found = client(Mock(balance="1.5"))
    assert found.get(f"{ROOT}/balance?key={KEY}").json()["usd"] == "1.5"
    filled = found.post(f"{ROOT}/balance", json={"key": KEY, "usd": "2.25"}).json()
    assert (filled["usd"], filled["availableBalance"]) == ("3.75", "37500")
    assert found.get(f"{ROOT}/balance?key=sk-another").json()["usd"] == "1.5"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/balance", b"", "no JSON"),
        ("/balance", b"[]", "expected an object"),
        ("/balance", b'{"usd": -1}', "top-up: expected 0 to"),
        ("/balance", b'{"usd": "much"}', "top-up: expected 0 to"),
        ("/balance", b"{}", "top-up: expected 0 to"),
        (
            "/clock",
            b'{"seconds": -1}',
            "$.seconds: time only goes forward: expected 0 to 3162240000 seconds; got -1",
        ),
        ("/clock", b'{"seconds": "x"}', "$.seconds"),
        ("/clock", b'{"seconds": 1e308}', "$.seconds"),
        ("/clock", b"{}", "$.seconds"),
    ],
)
def test_what_cannot_be_set_is_refused(path: str, body: bytes, said: str) -> None:
    refused = client(Mock(balance=1)).post(ROOT + path, content=body)
    assert refused.status_code == 400
    assert said in refused.json()["message"]


def test_time_can_be_jumped() -> None:
    found = client(Mock(rpm=1))
    assert [chat(found).status_code for _ in range(2)] == [200, 429]
    assert found.post(f"{ROOT}/clock", json={"seconds": 61}).status_code == 200
    assert chat(found).status_code == 200


def test_the_client_report_lists_what_a_client_did_wrong() -> None:
    found = client()
    for _ in range(3):
        chat(found, temperature=9)
    [finding, *_] = found.get(f"{ROOT}/verdict").json()["findings"]
    assert finding["rule"] == "retried_refusal"
    assert finding["calls"] == [1, 2, 3]
    listed = found.get(f"{ROOT}/requests").json()["requests"]
    assert [row["findings"] for row in listed] == [["retried_refusal"]] * 3


def test_the_counters_are_prometheus_text() -> None:
    found = client()
    chat(found)
    chat(found, model="no/model")
    metrics = found.get(f"{ROOT}/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    line = 'novita_mock_requests_total{operation="chat.completions",status="404"} 1'
    assert line in metrics.text
    assert KEY not in metrics.text


def test_the_calls_are_available_as_har() -> None:
    found = client()
    chat(found)
    log = found.get(f"{ROOT}/requests.har").json()["log"]
    assert log["version"] == "1.2"
    assert log["entries"][0]["response"]["status"] == 200


def test_an_unknown_path_and_a_wrong_method_are_refused() -> None:
    found = client()
    assert found.get(f"{ROOT}/nothing").status_code == 404
    assert found.put(f"{ROOT}/requests").status_code == 405


def test_control_requests_are_no_calls() -> None:
    mock = Mock()
    found = client(mock)
    found.get(f"{ROOT}/requests")
    found.get(f"{ROOT}/health")
    assert mock.calls == ()
    assert chat(found).json()["model"] == MODEL
