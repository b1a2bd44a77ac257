"""The pytest plugin in a test suite that uses it: fixtures, marker, options, failures."""

from __future__ import annotations

import textwrap

# A suite run in this process unloads the modules that it was first to import; these stay.
import httpcore2  # noqa: F401
import openai  # noqa: F401
import pytest

import novita_mock._server.thread
import novita_mock.respx  # noqa: F401

CHAT = """
import pytest

MODEL = "meta-llama/llama-3.1-8b-instruct"


def chat(client, text, **more):
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model=MODEL, messages=messages, **more)


def said(client, text, **more):
    return chat(client, text, **more).choices[0].message.content
"""


@pytest.fixture(autouse=True)
def configured(pytester: pytest.Pytester) -> None:
    """The settings that a suite with pytest-asyncio needs to run without a warning."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")


def run(pytester: pytest.Pytester, test: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(CHAT + textwrap.dedent(test))
    return pytester.runpytest_inprocess("-p", "no:randomly", *options)


PASSING = {
    "novita answers a client in process": """
        def test_it(novita, novita_client):
            novita.say("Hello")
            assert said(novita_client, "Hi") == "Hello"
    """,
    "novita_server answers at a loopback port": """
        def test_it(novita_server, novita_client):
            novita_server.say("Hello")
            assert novita_server.base_url.startswith("http://127.0.0.1:")
            assert said(novita_client, "Hi") == "Hello"
    """,
    "novita_env points an unmodified application at novita": """
        import openai
        def test_it(novita, novita_env):
            with openai.OpenAI() as client:
                assert said(client, "Hi")
            novita.assert_called(1)
    """,
    "novita_env points at the server if the test asks for it": """
        import os
        def test_it(novita_server, novita_env):
            names = ("OPENAI_BASE_URL", "NOVITA_BASE_URL")
            assert {os.environ[name] for name in names} == {novita_server.base_url}
            assert os.environ["OPENAI_API_KEY"] == os.environ["NOVITA_API_KEY"]
    """,
    "novita_async_client answers async code": """
        import asyncio
        def test_it(novita, novita_async_client):
            async def main():
                async with novita_async_client as client:
                    answer = await client.models.list()
                    return answer.data
            assert asyncio.run(main())
    """,
    "the fixtures work under pytest-asyncio": """
        @pytest.mark.asyncio
        async def test_it(novita, novita_async_client):
            novita.say("Hello")
            async with novita_async_client as client:
                answer = await client.chat.completions.create(
                    model=MODEL, messages=[{"role": "user", "content": "Hi"}])
            assert answer.choices[0].message.content == "Hello"
    """,
    "the fixtures work under anyio": """
        @pytest.mark.anyio
        async def test_it(novita_server, novita_async_client, anyio_backend_name):
            async with novita_async_client as client:
                assert (await client.models.list()).data
        @pytest.fixture
        def anyio_backend():
            return "asyncio"
    """,
    "each test has a mock of its own": """
        @pytest.mark.parametrize("fixture", ["novita", "novita_server"] * 2)
        def test_it(request, fixture):
            mock = request.getfixturevalue(fixture)
            assert mock.calls == () and mock.rules == ()
            mock.say("Hello")
            assert said(request.getfixturevalue("novita_client"), "Hi") == "Hello"
    """,
    "the marker takes the arguments of Mock": """
        import openai
        @pytest.mark.novita(edition="2026", api_keys=["sk-right"])
        def test_it(novita, novita_client):
            assert novita_client.api_key == "sk-right"
            with pytest.raises(openai.AuthenticationError) as failure:
                said(novita_client.with_options(api_key="sk-wrong"), "Hi")
            assert failure.value.body["reason"] == "FAILED_TO_AUTH"
    """,
    "the nearer marker wins over the farther": """
        @pytest.mark.novita(seed=1, edition="2026")
        class TestIt:
            @pytest.mark.novita(edition="live")
            def test_it(self, novita):
                assert novita.edition == "live"
    """,
    "reset forgets script and calls": """
        def test_it(novita, novita_client):
            novita.say("Hello", times=None)
            said(novita_client, "Hi")
            novita.reset()
            novita.assert_not_called()
            assert said(novita_client, "Hi") != "Hello"
    """,
}


@pytest.mark.parametrize("test", PASSING.values(), ids=PASSING)
def test_a_suite_passes(pytester: pytest.Pytester, test: str) -> None:
    result = run(pytester, test)
    outcomes = result.parseoutcomes()
    assert set(outcomes) <= {"passed", "warning", "warnings"}
    assert outcomes["passed"] >= 1


FAILING = {
    "a scripted answer that is not used": (
        """
        def test_it(novita, novita_client):
            novita.on(last_user="weather", stream=False).say("Sunny")
            said(novita_client, "Hi")
        """,
        """
        novita: a scripted answer was never used

            novita.on(last_user='weather', stream=False).say('Sunny')

        The nearest call:

            1. POST /v3/openai/chat/completions meta-llama/llama-3.1-8b-instruct 'Hi' -> 200
            the rule wants last_user='weather'; got 'Hi'
        """,
    ),
    "a scripted answer without any call": (
        """
        def test_it(novita):
            novita.refuse("MODEL_NOT_FOUND")
        """,
        """
        novita: a scripted answer was never used

            novita.refuse('MODEL_NOT_FOUND')

        The nearest call:

            no call came in
        """,
    ),
    "a scripted answer behind one that takes all": (
        """
        def test_it(novita_server, novita_client):
            novita_server.say("a", times=None).say("b")
            said(novita_client, "Hi")
        """,
        """
        novita_server: a scripted answer was never used

            novita_server.say('b')

        The nearest call:

            1. POST /v3/openai/chat/completions meta-llama/llama-3.1-8b-instruct 'Hi' -> 200
            it fits, but an earlier rule took it
        """,
    ),
    "a scripted answer with no call but one that scripts do not answer": (
        """
        def test_it(novita, novita_client):
            novita.say("A")
            novita_client.models.list()
        """,
        """
        novita: a scripted answer was never used

            novita.say('A')

        The nearest call:

            1. GET /v3/openai/models -> 200
            models.list is not answered by scripts
        """,
    ),
    "a call that no rule takes where all has to be scripted": (
        """
        @pytest.mark.novita(only=True)
        def test_it(novita, novita_client):
            novita.on(last_user="weather").say("Sunny", times=1)
            said(novita_client, "The weather?")
            try:
                said(novita_client, "Hi")
            except Exception:
                pass
        """,
        """
        novita: no scripted rule took this call

            2. POST /v3/openai/chat/completions meta-llama/llama-3.1-8b-instruct 'Hi' -> 400 INVALID_REQUEST_BODY

        rule 1 wants last_user='weather'; got 'Hi'
        A rule that takes it:

            novita.on(operation='chat.completions', model='meta-llama/llama-3.1-8b-instruct', last_user='Hi').say('...')
        """,  # noqa: E501
    ),
    "a request that no operation takes": (
        """
        def test_it(novita, novita_client):
            try:
                novita_client.embeddings.create(model="baai/bge-m3", input="x")
            except Exception:
                pass
        """,
        """
        novita: a request would have reached the real API

            POST https://api.novita.ai/v3/openai/embeddings
        """,
    ),
}


@pytest.mark.parametrize(("test", "message"), FAILING.values(), ids=FAILING)
def test_a_suite_fails_with_a_message_that_helps(
    pytester: pytest.Pytester, test: str, message: str
) -> None:
    result = run(pytester, test)
    result.assert_outcomes(failed=1)
    assert textwrap.dedent(message).strip() in result.stdout.str()


def test_a_failing_test_shows_its_calls_with_curl_lines(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        @pytest.mark.novita(api_keys=["sk-very-secret"])
        def test_it(novita, novita_client):
            assert said(novita_client, "Hi", temperature=0) == "no"
        """,
        "--tb=short",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*novita calls*",
            "1. POST /v3/openai/chat/completions meta-llama/llama-3.1-8b-instruct 'Hi' -> 200",
            "   curl -sS https://api.novita.ai/v3/openai/chat/completions -X POST "
            '-H "Authorization: Bearer $NOVITA_API_KEY" *"temperature":0*',
        ]
    )
    result.stdout.no_fnmatch_line("*sk-very-secret*")


def test_an_assertion_on_calls_lists_what_came(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_it(novita, novita_client):
            said(novita_client, "Hi")
            novita.assert_called(2, last_user="weather")
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*expected 2 calls with last_user='weather'; 0 came in. All calls:",
            "*1. POST /v3/openai/chat/completions meta-llama/llama-3.1-8b-instruct 'Hi' -> 200",
        ]
    )


@pytest.mark.parametrize(
    ("mark", "complaint"),
    [
        ("seeds=3", "has no argument seeds"),
        ("'live'", "has no argument 'live'"),
    ],
)
def test_an_unknown_marker_argument_is_an_error_at_collection(
    pytester: pytest.Pytester, mark: str, complaint: str
) -> None:
    result = run(pytester, f"@pytest.mark.novita({mark})\ndef test_it(): pass\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            f"ERROR: *::test_it: @pytest.mark.novita {complaint}: expected some of edition, seed, "
            "api_keys, any_model, ttft, gap, tokens_per_second, jitter, spread, profiles, rpm, "
            "tpm, tier, "
            "balance, scenario, only, base_urls, clock, by name"
        ]
    )


SWALLOWING = """
    import openai

    def swallow(call):
        try:
            call()
        except openai.OpenAIError:
            pass

    def test_embeddings(novita, novita_client):
        swallow(lambda: novita_client.embeddings.create(model="x", input="x"))

    def test_images(novita, novita_client):
        swallow(lambda: novita_client.images.generate(model="x", prompt="x"))

    def test_responses(novita, novita_client):
        swallow(lambda: novita_client.responses.create(model="x", input="x"))

    def test_files(novita, novita_client):
        swallow(lambda: novita_client.files.list())

    def test_another_path(novita, novita_client):
        client = novita_client.with_options(base_url="https://api.novita.ai/v9")
        swallow(lambda: client.models.list())
"""


def test_five_tests_of_an_application_that_swallows_errors_all_fail(
    pytester: pytest.Pytester,
) -> None:
    result = run(pytester, SWALLOWING)
    result.assert_outcomes(failed=5)


def test_the_guard_fails_tests_that_ask_for_no_fixture(pytester: pytest.Pytester) -> None:
    test = """
        import openai
        def test_escape():
            client = openai.OpenAI(
                base_url="https://api.novita.ai/v3/openai", api_key="sk-very-secret", max_retries=0)
            try:
                said(client, "Hi")
            except openai.OpenAIError:
                pass
        def test_quiet():
            pass
        def test_with_the_fixture(novita, novita_client):
            assert said(novita_client, "Hi")
    """
    result = run(pytester, test, "--novita-guard")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "novita-guard: a request would have reached the real API",
            "    POST https://api.novita.ai/v3/openai/chat/completions",
            "It was stopped. *",
        ]
    )
    result.stdout.no_fnmatch_line("*sk-very-secret*")


def test_the_guard_covers_base_urls_of_the_ini_file(pytester: pytest.Pytester) -> None:
    pytester.makeini(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
        "novita_base_urls = https://gateway.example/llm\n"
    )
    test = """
        import httpx
        def test_escape():
            try:
                httpx.get("https://gateway.example/llm/v3/openai/models")
            except httpx.HTTPError:
                pass
        def test_answered(novita):
            headers = {"Authorization": "Bearer key"}
            url = "https://gateway.example/llm/v3/openai/models"
            assert httpx.get(url, headers=headers).json()["data"]
    """
    result = run(pytester, test, "--novita-guard")
    result.assert_outcomes(passed=1, failed=1)


def test_parallel_tests_never_meet(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        @pytest.mark.parametrize("number", range(24))
        @pytest.mark.parametrize("fixture", ["novita", "novita_server"])
        def test_it(request, fixture, number):
            mock = request.getfixturevalue(fixture)
            mock.say(f"answer {number}")
            client = request.getfixturevalue("novita_client")
            assert said(client, f"question {number}") == f"answer {number}"
            mock.assert_called(1)
        """,
        "-n",
        "4",
    )
    result.assert_outcomes(passed=48)


@pytest.mark.parametrize(
    ("fixture", "package"),
    [("novita_client", "openai"), ("novita_async_client", "openai"), ("novita", "respx")],
)
def test_a_fixture_whose_package_is_missing_fails_and_says_how_to_get_it(
    fixture: str, package: str, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(f"import sys; sys.modules[{package!r}] = None")
    pytester.makepyfile(test_it=f"def test_it(novita_server, {fixture}): pass\n")
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            f"the fixture {fixture} needs the package {package}, which is not installed: "
            f"python -m pip install {package}"
        ]
    )


def test_help_describes_options_marker_and_fixtures(pytester: pytest.Pytester) -> None:
    options = pytester.runpytest_inprocess("--help").stdout.str()
    for name in ("live", "base-url", "model", "edition", "examples", "max-requests", "max-cost"):
        assert f"--novita-{name}" in options
    for name in ("rpm", "report", "strict", "guard"):
        assert f"--novita-{name}" in options
    assert "@pytest.mark.novita(" in pytester.runpytest_inprocess("--markers").stdout.str()
    fixtures = pytester.runpytest_inprocess("--fixtures").stdout.str()
    for name in ("novita", "novita_server", "novita_env", "novita_client", "novita_async_client"):
        assert f"\n{name} --" in fixtures
