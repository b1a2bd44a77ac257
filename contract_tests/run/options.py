"""The options of a run: those of the pytest plugin, or the defaults without it."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from novita_mock._api.description import load_description

from .budget import MAX_REQUESTS, MAX_USD, RPM

if TYPE_CHECKING:
    from pathlib import Path

LIVE_URL = "https://api.novita.ai/v3/openai"
KEY = "NOVITA_API_KEY"
THOROUGH = "NOVITA_CONTRACT_THOROUGH"
MOCK_EXAMPLES, LIVE_EXAMPLES = 60, 1
LOCAL = ("localhost",)


@dataclass(frozen=True)
class Options:
    """`live`: judge the server at `base_url`; otherwise the mock in this process."""

    live: bool
    base_url: str
    key: str
    model: str | None
    edition: str
    examples: int
    max_requests: int
    max_usd: float
    rpm: int
    report: str | None
    strict: bool
    thorough: bool

    @property
    def local(self) -> bool:
        return is_local(self.base_url)

    @property
    def real(self) -> bool:
        """Whether the target is the API itself, not a server in its place."""
        return self.live and urlsplit(self.base_url).hostname == urlsplit(LIVE_URL).hostname


def is_local(base_url: str) -> bool:
    """Whether a base URL is on a loopback address."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOCAL


def read(config: pytest.Config) -> Options:
    """The options of a run. Raises UsageError, which ends pytest with exit code 4."""
    live = bool(config.getoption("novita_live", False))
    edition = _given(config, "edition") or "v3"
    known = load_description().errors.editions
    if edition not in known:
        raise pytest.UsageError(f"--novita-edition: {edition!r} is none of {', '.join(known)}")
    base = _given(config, "base_url") or LIVE_URL
    if not base.startswith(("http://", "https://")):
        raise pytest.UsageError(f"--novita-base-url: {base!r} is no http(s) address")
    key = os.environ.get(KEY, "").strip()
    if live and not key:
        raise pytest.UsageError(f"--novita-live needs a key: set {KEY}")
    thorough = not live or (is_local(base) and os.environ.get(THOROUGH) == "1")
    default = LIVE_EXAMPLES if live and not thorough else MOCK_EXAMPLES
    return Options(
        live=live,
        base_url=base,
        key=key,
        model=_given(config, "model"),
        edition=edition,
        examples=_number(config, "examples", default),
        max_requests=_number(config, "max_requests", 100_000 if thorough else MAX_REQUESTS),
        max_usd=_number(config, "max_cost", 1e9 if thorough else MAX_USD),
        rpm=_number(config, "rpm", 0 if is_local(base) else RPM),
        report=_given(config, "report"),
        strict=bool(config.getoption("novita_strict", False)),
        thorough=thorough,
    )


def _given(config: pytest.Config, name: str) -> Any:
    return config.getoption(f"novita_{name}", None)


def _number(config: pytest.Config, name: str, default: Any) -> Any:
    found = _given(config, name)
    if found is not None and found < 0:
        raise pytest.UsageError(f"--novita-{name.replace('_', '-')}: {found} is below zero")
    return default if found is None else found


def folder_of(config: pytest.Config) -> Path:
    """The folder that all processes of this run share."""
    import tempfile
    from pathlib import Path

    shared = getattr(config, "workerinput", {}).get("novita_folder")
    return Path(shared or tempfile.mkdtemp(prefix="novita-contract-"))
