"""The fenced examples of README and docs. The word after the language says how to execute one.

As a script, it prints the commands of one kind, one per line: `python tests/readme.py setup`.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One fenced block: its place, heading, language, kind and text."""

    place: str
    heading: str
    language: str
    kind: str
    text: str


def examples(kind: str | None = None) -> list[Example]:
    """All blocks, or those of one kind."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [example for page in pages for example in _of(page) if kind in (None, example.kind)]


def _of(page: Path) -> list[Example]:
    text = page.read_text(encoding="utf-8")
    return [
        Example(
            f"{page.relative_to(ROOT).as_posix()}:{text.count(chr(10), 0, match.start()) + 1}",
            ["", *_HEADING.findall(text, 0, match.start())][-1],
            match[1],
            match[2] or "",
            match[3],
        )
        for match in _FENCE.finditer(text)
    ]


if __name__ == "__main__":
    for found in examples(sys.argv[1]):
        print(found.text.strip())
