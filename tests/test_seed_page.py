"""The four examples of Novita's LLM API page, run against a real server: only the base URL and the
key are replaced. `data/seed_examples/` holds them verbatim."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent / "data" / "seed_examples"
PYTHON = ("chat.py", "completions.py")
CURL = ("chat.sh", "completions.sh")
PAGE_URL = "https://api.novita.ai/v3/openai"
PAGE_KEYS = ("<YOUR Novita AI API Key>", "{YOUR Novita AI API Key}")
KEY = "any-key"
SWITCH = {True: "stream = True  # or False", False: "stream = False  # or True"}
MAX_TOKENS = 512
LIMIT = f'"max_tokens": {MAX_TOKENS}'
SERVING = "Serving "
SECONDS = 60

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
each_python = pytest.mark.parametrize("name", PYTHON)
each_curl = pytest.mark.parametrize("name", CURL)


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """The base URL of a running `novita-mock serve`."""
    script = str(Path(sysconfig.get_path("scripts")) / "novita-mock")
    command = [script, "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        lines = (line for line in process.stdout if line.startswith(SERVING))
        try:
            yield next(lines).removeprefix(SERVING).strip()
        finally:
            process.terminate()


def printed(name: str) -> str:
    """The example as printed on the page; an extra suffix keeps tools off the Python files."""
    file = EXAMPLES / (f"{name}.txt" if name in PYTHON else name)
    return file.read_text(encoding="utf-8")


def pointed_at(base_url: str, example: str) -> str:
    """`example` with the page's base URL and key replaced; it contains each of them once."""
    keys = [key for key in PAGE_KEYS if key in example]
    assert (len(keys), example.count(keys[0]), example.count(PAGE_URL)) == (1, 1, 1)
    return example.replace(keys[0], KEY).replace(PAGE_URL, base_url)


def run(command: list[str]) -> str:
    """The output of the command, which must succeed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    environment = kept | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_python(base_url: str, name: str, folder: Path, *, stream: bool) -> str:
    """The output of the Python example, unchanged or with the other value of its comment."""
    example = printed(name)
    assert example.count(SWITCH[True]) == 1
    script = folder / name
    script.write_text(
        pointed_at(base_url, example).replace(SWITCH[True], SWITCH[stream]), encoding="utf-8"
    )
    return run([sys.executable, str(script)])


@each_python
@pytest.mark.parametrize("stream", [True, False], ids=["as-printed", "or-False"])
def test_a_python_example_prints_text(
    base_url: str, tmp_path: Path, name: str, stream: bool
) -> None:
    words = run_python(base_url, name, tmp_path, stream=stream).split()

    assert len(words) > 5


@each_python
def test_a_python_example_prints_the_same_text_streamed_or_not(
    base_url: str, tmp_path: Path, name: str
) -> None:
    streamed = run_python(base_url, name, tmp_path, stream=True)
    whole = run_python(base_url, name, tmp_path, stream=False)

    assert whole == streamed + "\n"


@needs_curl
@each_curl
def test_a_curl_example_prints_a_completion(base_url: str, name: str) -> None:
    answer = json.loads(run(["sh", "-c", pointed_at(base_url, printed(name))]))

    choice = answer["choices"][0]
    text = choice["message"]["content"] if name == "chat.sh" else choice["text"]
    assert text.strip()
    assert choice["finish_reason"] == "length"
    assert answer["model"] == "meta-llama/llama-3.1-8b-instruct"
    assert answer["usage"]["completion_tokens"] == MAX_TOKENS


@needs_curl
@each_curl
def test_a_streamed_curl_example_ends_with_done(base_url: str, name: str) -> None:
    example = pointed_at(base_url, printed(name)).replace("curl ", "curl -N ", 1)
    streamed = example.replace(LIMIT, f'{LIMIT}, "stream": true')
    assert streamed != example

    output = run(["sh", "-c", streamed])

    *frames, done, rest = output.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    chunks = [json.loads(frame.removeprefix("data: ")) for frame in frames]
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert len({chunk["id"] for chunk in chunks}) == 1
