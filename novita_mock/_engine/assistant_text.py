"""Writes sentences about the subject of a request, as tokens of the tokenizer.

The text depends only on the entropy and the topics, and a longer answer begins with the shorter
one. The sentences are tokenized once, when this module loads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import islice

from novita_mock._core.tokenizer import split

_OPENINGS = """
You asked about {0}, so let us begin there.
The short answer is that {0} depends on {1}.
There are several ways to look at {0} and {1}.
Let me say a few words about {0}.
Good question: {0} and {1} go together more often than not.
When it comes to {0}, the details matter.
I would start with {0} and leave {1} for later.
About {0}: here is what I would do.
""".strip().splitlines()
_SENTENCES = """
A good first step is to write down what {0} means to you.
Most people underestimate how much {1} matters here.
In practice, {0} and {2} are easier to handle together.
For example, a small change in {1} can make a large difference.
It helps to keep {2} simple at the beginning.
One thing to watch is how {0} behaves over time.
If you are unsure, start with {1} and adjust it later.
That is why many guides mention {2} early on.
Of course, the details of {0} vary from case to case.
Think of {1} as the frame and of {2} as the picture.
You can check the result by comparing it with {0}.
A common mistake is to skip {1} altogether.
With a little patience, {2} will come out right.
Another option is to treat {0} and {1} separately.
To be precise, {2} is only a part of the whole.
Once {0} is settled, the rest follows quickly.
The main point is to be clear about {1}.
Some questions about {2} remain open, and that is fine.
Try it once with {0}, then repeat it without.
Both {0} and {2} deserve a closer look.
A short list often helps: {0}, {1} and {2}.
This also explains why {1} is discussed so often.
In the end, {0} is what counts most.
Take your time with {2}, because it pays off.
Here is a simple rule: never change {0} and {1} at once.
Feel free to ask for more detail about {2}.
I hope this makes {0} a little clearer.
""".strip().splitlines()

_PLACE = re.compile(r"( \{\d\})")
_Template = tuple[list[str] | int, ...]
Topics = tuple[tuple[str, ...], ...]
"""The words that a text is about, each as its tokens."""


def _pieces(sentence: str) -> _Template:
    """A sentence as runs of tokens and topic numbers; each word keeps the blank before it."""
    parts = [part for part in _PLACE.split(" " + sentence) if part]
    return tuple(int(part[2]) if _PLACE.fullmatch(part) else split(part) for part in parts)


_FIRST = tuple(map(_pieces, _OPENINGS))
_TEMPLATES = tuple(map(_pieces, _SENTENCES))
_PARAGRAPH = 4
_LOOK_BACK = 400
_TOPICS = 3
_SHORTEST = 4
_WORD = re.compile(rf"[^\W\d_]{{{_SHORTEST},}}")
_LETTERS = bytes(code if chr(code).isalpha() else ord(" ") for code in range(128)).ljust(256)
_STOP_WORDS = frozenset(
    "about could does from give have here into make please should tell than that their them then "
    "there they this what when where which will with would write your".split()
)
_FALLBACK = ["this", "the question", "the context"]


def topics(subject: str) -> Topics:
    """Three topics for a text: the longest words of `subject`, in their order, then fallbacks."""
    return _topics(subject.strip()[-_LOOK_BACK:])


@lru_cache(maxsize=256)  # clients send the same conversation again and again
def _topics(text: str) -> Topics:
    words, longest = _words(text), list[str]()
    for word in sorted(words, key=len, reverse=True):
        if len(word) < _SHORTEST or len(longest) == _TOPICS:
            break
        if word not in longest and word.lower() not in _STOP_WORDS:
            longest.append(word)
    chosen = sorted(longest, key=words.index) or text.split()[:_TOPICS]
    return tuple(tuple(split(" " + word)) for word in chosen + _FALLBACK[len(chosen) :])


def _words(text: str) -> list[str]:
    """The runs of letters in `text`; runs below `_SHORTEST` letters may be missing."""
    if text.isascii():
        # Takes a quarter of the time.
        return text.encode().translate(_LETTERS).decode().split()
    return _WORD.findall(text)


def _numbers(entropy: bytes) -> Iterator[int]:
    while True:
        entropy = blake2b(entropy).digest()
        yield from entropy


def _sentences(numbers: Iterator[int], words: Topics) -> Iterator[list[str]]:
    # A topic that ends in any other character forms one token with a full stop after it.
    plain = all(word[-1][-1].isascii() and word[-1][-1].isalnum() for word in words)
    yield _filled(_FIRST[next(numbers) % len(_FIRST)], words, plain=plain)
    index, count = 0, len(_TEMPLATES)
    for number, step in enumerate(numbers, start=1):
        # With a step from 1 to count - 1, no sentence follows itself.
        index = (index + 1 + step % (count - 1)) % count
        tokens = _filled(_TEMPLATES[index], words, plain=plain)
        if number % _PARAGRAPH == 0:
            tokens[0:1] = ["\n\n", tokens[0].lstrip()]
        yield tokens


def _filled(template: _Template, words: Topics, *, plain: bool) -> list[str]:
    tokens: list[str] = []
    for piece in template:
        tokens += words[piece] if isinstance(piece, int) else piece
    return tokens if plain else split("".join(tokens))


def write(
    entropy: bytes, words: Topics, wanted: int | None = None, sentences: int | None = None
) -> list[str]:
    """A text about `words` (see `topics`) with `wanted` tokens, else `sentences` sentences, else a
    natural length. It begins with a blank, like the continuation of a text."""
    numbers = _numbers(entropy)
    natural = 3 + next(numbers) % 4
    text = _sentences(numbers, words)
    if wanted is None:
        return [token for part in islice(text, sentences or natural) for token in part]
    tokens: list[str] = []
    while len(tokens) < wanted:
        tokens += next(text)
    return tokens[:wanted]
