"""The text of a scenario file: line numbers, duplicate members, and secrets left in it.

Knows YAML and nothing of scenarios.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from novita_mock._stubs.scenario_rows import Steps

_SECRETS = (
    ("a bearer token", r"[Bb]earer\s+[A-Za-z0-9._~+/-]{16,}"),
    ("a key", r"\bsk[-_][A-Za-z0-9_-]{16,}"),
    ("a GitHub token", r"\b(?:gh[opsu]|github_pat)_[A-Za-z0-9_]{20,}"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{20,}"),
    ("a Groq key", r"\bgsk_[A-Za-z0-9]{20,}"),
    ("an AWS key", r"\bAKIA[0-9A-Z]{16}\b"),
    ("a Google key", r"\bAIza[0-9A-Za-z_-]{30,}"),
    ("a Slack token", r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
)
_KNOWN = [(name, re.compile(pattern)) for name, pattern in _SECRETS]


def secrets(text: str) -> Iterator[tuple[int, str]]:
    """Numbers of the lines that seem to have a secret, and a text that does not repeat it."""
    for number, line in enumerate(text.splitlines(), start=1):
        for name, pattern in _KNOWN:
            if pattern.search(line):
                yield number, f"this looks like {name}; a scenario file needs none"
                break


class Lines:
    """The lines on which the parts of a YAML or JSON text begin."""

    def __init__(self, text: str) -> None:
        self._root = yaml.compose(text, Loader=yaml.SafeLoader)
        self.twice = [] if self._root is None else [*_twice(self._root, set())]
        """Line and text for each duplicate member of an object, of which only the last counts."""

    def of(self, steps: Steps) -> int:
        """The line of the part at `steps`, or of the nearest part around it."""
        node, line = self._root, 1
        for step in steps:
            if isinstance(node, yaml.MappingNode):
                pairs = {key.value: (key, value) for key, value in node.value}
                key, node = pairs.get(step, (None, None))
                line = line if key is None else key.start_mark.line + 1
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line


def _twice(node: yaml.Node, seen: set[int]) -> Iterator[tuple[int, str]]:
    # A YAML alias can refer to a node that contains it.
    if id(node) in seen:
        return
    seen.add(id(node))
    names: set[str] = set()
    for item in node.value if isinstance(node, yaml.CollectionNode) else ():
        if isinstance(item, tuple):
            key, item = item
            if key.value in names:
                yield key.start_mark.line + 1, f"{key.value} stands here twice; the last counts"
            names.add(key.value)
        yield from _twice(item, seen)
