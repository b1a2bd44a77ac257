"""The splitter: how the kit cuts text into tokens, everywhere and always the same way.

A token is up to eight ASCII letters, up to three digits or up to two other characters, with
the blank before them if there is one, or a run of up to four blanks. The tokens of a text
joined are the text. No vocabulary is downloaded; counts are near those of a real tokenizer
for English and higher for other scripts.
"""

from __future__ import annotations

import re

split = re.compile(r" ?[A-Za-z]{1,8}| ?[0-9]{1,3}| ?[^\sA-Za-z0-9]{1,2}|\s{1,4}").findall


def count(text: str) -> int:
    """Number of tokens of `text`."""
    return len(split(text))
