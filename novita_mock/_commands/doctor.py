"""The command `novita-mock doctor`: what would let calls from tests reach the real API.

It is a table of checks. A check sees the installed versions and the environment variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata

PACKAGES = (
    "novita-mock", "openai", "httpx", "httpcore", "httpx2", "httpcore2", "respx", "pytest",
    "pytest-httpx", "pytest-httpx2", "pytest-asyncio", "anyio", "pytest-xdist", "aiohttp",
    "httpx-aiohttp", "requests",
)  # fmt: skip

REAL_HOST = "api.novita.ai"


@dataclass(frozen=True, slots=True)
class Leak:
    """A way for calls to escape, and how to close it."""

    problem: str
    remedy: str


Versions = Mapping[str, str]
Environment = Mapping[str, str]


def versions() -> dict[str, str]:
    """The versions of those `PACKAGES` that are installed."""
    installed = {}
    for name in PACKAGES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


def findings(installed: Versions, environment: Environment) -> list[Leak]:
    """The leaks, given the installed packages and the environment variables."""
    leaks = (check(installed, environment) for check in _CHECKS)
    return [leak for leak in leaks if leak is not None]


def _major(installed: Versions, name: str) -> int:
    return int(installed.get(name, "0").partition(".")[0])


def _respx_alone(installed: Versions, _: Environment) -> Leak | None:
    if _major(installed, "openai") < 3 or "respx" not in installed:
        return None
    return Leak(
        f"respx {installed['respx']} by itself patches httpx only; openai {installed['openai']} "
        "speaks httpx2. With respx.mock or respx_mock alone its calls leave.",
        "Use the fixture novita, or novita_mock.respx.mocked, which patch both.",
    )


def _aiohttp(installed: Versions, _: Environment) -> Leak | None:
    if "httpx-aiohttp" not in installed:
        return None
    return Leak(
        "httpx-aiohttp is installed: openai.DefaultAioHttpClient sends through aiohttp, which "
        "the fixture novita does not see.",
        "Test such a client with the fixture novita_server.",
    )


def _other_stacks(installed: Versions, _: Environment) -> Leak | None:
    others = [name for name in ("requests", "aiohttp") if name in installed]
    if not others:
        return None
    return Leak(
        f"{' and '.join(others)}: calls made with it are not seen by the fixture novita.",
        "If your code calls the API with it, test with the fixture novita_server.",
    )


def _plugins_off(_: Versions, environment: Environment) -> Leak | None:
    if not environment.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        return None
    return Leak(
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD is set: pytest does not load the fixtures and the guard.",
        "Run pytest -p novita_mock.pytest_plugin.",
    )


def _real_address(_: Versions, environment: Environment) -> Leak | None:
    names = ("OPENAI_BASE_URL", "NOVITA_BASE_URL")
    real = [name for name in names if REAL_HOST in environment.get(name, "")]
    if not real:
        return None
    return Leak(
        f"{' and '.join(real)} names {REAL_HOST}: a test without a fixture calls the real API.",
        "Run pytest --novita-guard, or unset it for tests.",
    )


def _real_key(_: Versions, environment: Environment) -> Leak | None:
    if not environment.get("NOVITA_API_KEY"):
        return None
    return Leak(
        "NOVITA_API_KEY is set: a call that escapes is answered, and paid for.",
        "Run pytest --novita-guard, or unset it for tests.",
    )


_CHECKS: tuple[Callable[[Versions, Environment], Leak | None], ...] = (
    _respx_alone,
    _aiohttp,
    _other_stacks,
    _plugins_off,
    _real_address,
    _real_key,
)
