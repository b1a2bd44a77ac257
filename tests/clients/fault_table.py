"""The two tables of `docs/faults.md`: the catalogue, and what clients make of each fault.

Nothing here runs a client; `faults.py` runs them and writes the tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from novita_mock._api.description import load_description
from novita_mock._faults.catalogue import BODY, STREAM, Faults

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
CATALOGUE, CLIENTS = "catalogue", "clients"
ON = {"any": "any", STREAM: "streamed", BODY: "not streamed"}
LONG, SHORT = 20.0, 1.0
# Faults with other arguments, where the defaults take long or leave no text before the fault.
ASKED = {
    "connection_refused": "connection_refused(2)",
    "slow_headers": "slow_headers(0.2)",
    "stall": "stall(3, seconds=3)",
    **{
        name: f"{name}(3)"
        for name in (
            "cut_after",
            "cut_in_frame",
            "cut_in_character",
            "truncated_stream",
            "broken_json",
            "error_event",
            "error_event_body",
            "error_event_engine",
        )
    },
}
TIMEOUTS = {"stall": (SHORT, LONG), "broken_gzip": (SHORT,)}
# Node's `fetch` has a race: most often it fails, now and then it never ends.
USUALLY = {("broken_gzip", "Node")}
# The answer to the clients: it has characters of several bytes, and not the letter that
# `long_chunk` adds.
TEXT = "Grüße aus Köln: alles gut."
ADDED = "x"
WHOLE = "the whole text"
_VERSION = re.compile(r"(?<=\d)\.[\d.]*\d")

Seen = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One fault in one mode. `timeout` is the client's, in seconds."""

    name: str
    asked: str
    stream: bool
    timeout: float

    @property
    def mode(self) -> str:
        mode = ON[STREAM] if self.stream else ON[BODY]
        several = len(TIMEOUTS.get(self.name, ())) > 1
        return f"{mode}, timeout {self.timeout:g} s" if several else mode


@dataclass(frozen=True, slots=True)
class Observed:
    """What one client made of one row: without retries, with its own retries and, for a Python
    client, asynchronously; and the number of requests that arrived when it retried."""

    once: Seen
    again: Seen
    later: Seen | None
    requests: int


@dataclass(frozen=True, slots=True)
class Line:
    """A release line of a client, e.g. 2.x: what it made of each row, and of no fault."""

    language: str
    major: str
    version: str
    runtime: str | None
    observed: Mapping[Row, Observed]
    faultless: int
    """The number of chunks in a stream without a fault."""


def rows(faults: Faults) -> list[Row]:
    """Every fault in every mode, in the order of the catalogue."""
    return [
        Row(name, ASKED.get(name, name), stream, timeout)
        for name, row in faults.rows.items()
        for stream in (True, False)
        if row.on not in (STREAM, BODY) or stream is (row.on == STREAM)
        for timeout in TIMEOUTS.get(name, (LONG,))
    ]


def catalogue(faults: Faults) -> str:
    """The table of all faults."""
    body = ((f"`{row.spelling}`", ON[row.on], row.guarantee) for row in faults.rows.values())
    return _table(("fault", "answers", "what arrives"), body)


def clients(faults: Faults, lines: list[Line]) -> str:
    """The table of what the clients make of each fault."""
    languages = list(dict.fromkeys(line.language for line in lines))
    body = (
        (f"`{row.asked}`", row.mode, *(_merged(row, lines, language) for language in languages))
        for row in rows(faults)
    )
    heads = (f"{language} `openai`" for language in languages)
    return f"{_caption(lines)}\n\n{_table(('fault', 'answer', *heads), body)}"


def _caption(lines: list[Line]) -> str:
    by_language: dict[str, list[str]] = {}
    for line in lines:
        by_language.setdefault(line.language, []).append(line.version)
    named = "; ".join(
        f"{language} `openai` {', '.join(versions)}" for language, versions in by_language.items()
    )
    runtimes = {f", on {line.language} {line.runtime}" for line in lines if line.runtime}
    on = "".join(sorted(runtimes))
    count = ", ".join(map(str, sorted({line.faultless for line in lines})))
    return f"Seen with {named}{on}. A stream without a fault has {count} chunks."


def _table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *([c.replace("|", "\\|") for c in row] for row in body)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _merged(row: Row, lines: list[Line], language: str) -> str:
    """The cell of one language; lines with the same result share a text."""
    cells: dict[str, list[str]] = {}
    for line in lines:
        if line.language == language:
            cells.setdefault(_cell(row, line), []).append(line.major)
    if len(cells) == 1:
        return next(iter(cells))
    return "<br>".join(f"{', '.join(majors)}: {cell}" for cell, majors in cells.items())


def _cell(row: Row, line: Line) -> str:
    observed = line.observed[row]
    said = _outcome(row, observed.once, line)
    usually = not row.stream and (row.name, line.language) in USUALLY
    parts = [f"usually {said}" if usually else said]
    if observed.later is not None and (other := _outcome(row, observed.later, line)) != said:
        parts.append(f"async: {other}")
    if (other := _outcome(row, observed.again, line)) != said:
        parts.append(f"after retries: {other}")
    tries = max(observed.requests, observed.again["tries"])
    if tries > 1:
        arrived = "" if tries == observed.requests else f", {observed.requests} arrived"
        parts.append(f"{tries} requests{arrived}")
    return "; ".join(parts)


def _outcome(row: Row, seen: Seen, line: Line) -> str:
    """What a caller sees of one call."""
    if seen["error"]:
        return f"`{seen['error']}`{_place(row, seen)}"
    if seen["odd"] and not row.stream:
        return f"{seen['odd']} in place of the answer, **nothing noticed**"
    parts = [_text(row, seen)]
    if row.stream and seen["chunks"] != line.faultless:
        parts.append(_chunks(seen))
    if seen["odd"]:
        parts.append(f"one with {seen['odd']}")
    if seen["finish"] is None:
        parts.append("no `finish_reason`")
    if parts[0] != WHOLE or seen["finish"] is None:
        parts.append("**nothing noticed**")
    return ", ".join(parts)


def _text(row: Row, seen: Seen) -> str:
    text = str(seen["text"])
    if row.name == "long_chunk":
        text = text.replace(ADDED, "")
    if text == TEXT:
        return WHOLE
    if not text:
        return "no text"
    return "text cut short" if TEXT.startswith(text) else "a wrong text"


def _chunks(seen: Seen) -> str:
    return f"{seen['chunks']} chunk{'' if seen['chunks'] == 1 else 's'}"


def _place(row: Row, seen: Seen) -> str:
    """Where an exception comes from: the call itself, or the stream that it returned."""
    if not row.stream:
        return ""
    return f" after {_chunks(seen)}" if seen["answered"] else " from the call"


def part(text: str, name: str) -> str:
    """The text between the two markers of a generated part."""
    begin, end = _markers(name)
    return text.partition(begin)[2].partition(end)[0].strip("\n")


def with_part(text: str, name: str, table: str) -> str:
    """The page with a generated part replaced."""
    begin, end = _markers(name)
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{PAGE.name} lacks the markers {begin} and {end}")
    return f"{before}{begin}\n{table}\n{end}{after}"


def without_patches(table: str) -> str:
    """The table with `2.54.0` as `2`: a newer client that does the same makes no difference."""
    caption, _, rest = table.partition("\n")
    return f"{_VERSION.sub('', caption)}\n{rest}"


def _markers(name: str) -> tuple[str, str]:
    return f"<!-- {name}: generated by tests/clients/faults.py -->", f"<!-- end of {name} -->"


def read() -> str:
    return PAGE.read_text(encoding="utf-8")


def known() -> Faults:
    return Faults(load_description())
