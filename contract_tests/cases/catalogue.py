"""The fixed catalogue: every request by name, in the order of sending.

Most are one greedy request with one change, so that their answers can be compared. Some are built
from an earlier answer, e.g. with a stop sequence that must occur.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ..judging.probe import Api, Catalogue
from ..judging.verdicts import Skipped
from ..wire.exchange import WRONG_KEY, Asked, Json
from ..wire.target import Target
from ..wire.views import CHAT, TEXT
from .features import FEATURES
from .refusals import BY_HAND, CONSTRAINTS, ERRORS, UNKNOWN
from .requests import (
    FEW,
    MESSAGES,
    PROMPT,
    SYSTEM,
    USER,
    Build,
    bad_text,
    chat,
    chat_body,
    get,
    keyed,
    post,
    text,
    text_body,
    text_of,
)

LIST, ROW = "models.list", "models.retrieve"
# Nulls and defaults, which change nothing. These leave an answer greedy; `NULLS` has the others.
NEUTRAL: Json = dict.fromkeys(
    ("stream_options", "top_p", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs",
     "tools", "response_format")
) | {"n": 1, "stream": False, "presence_penalty": 0}  # fmt: skip
NULLS: Json = dict.fromkeys(("n", "stream", "presence_penalty", "temperature", "seed", "stop"))
# Values without effect, according to a page or by their nature.
UNKNOWN_FIELD: Json = {
    "logprobs": False, "stop": [], "x_unknown_field": {"a": [1]},
}  # fmt: skip
WITH_USAGE: Json = {"stream": True, "stream_options": {"include_usage": True}}
LONGER = "Please read this first. " + "A river runs from the mountain to the sea. " * 12
NAMED: Json = {"role": "user", "content": LONGER, "name": "somebody_1"}


def model_path(api: Api, encoded: bool = False, another: bool = False) -> str:
    ids = [row["id"] for row in api.rows if row["id"] != api.model] or [api.model]
    id = ids[len(ids) // 2] if another else api.model
    return "/models/" + quote(id, safe="" if encoded else "/")


def _row(encoded: bool = False, another: bool = False) -> Build:
    return lambda api: Asked(ROW, "GET", model_path(api, encoded, another), headers=())


def _query_key(api: Api) -> Asked:
    asked = chat()(api)
    path = f"{asked.path}?api_key={{key}}&key={{key}}"
    return replace(asked, path=path, authorization=None, valid=False)


def _written(api: Api) -> Asked:
    """The plain chat written differently: order, whitespace, numbers and letters."""
    body = dict(reversed(list(chat_body(api, temperature=...).items())))
    written = text_of(body, ascii_only=False, separators=(",", ":"))[:-1]
    return post(CHAT, b"\n  " + written + b',"temperature":0.0}\r\n ')


def said(api: Api, name: str = "chat.base") -> str:
    """The text of an earlier answer, to choose stop sequences from."""
    found = api.answer(name).text
    if len(found) < 12:
        raise Skipped(f"the text of {name} is too short to choose a stop sequence from")
    return found


def inside(found: str, share: float = 0.4) -> str:
    """Three characters across the gap between two words, away from both ends."""
    at = next(
        (at for at in range(int(len(found) * share), len(found) - 3)
         if found[at].isalnum() and found[at + 1] == " " and found[at + 2].isalnum()),
        int(len(found) * share),
    )  # fmt: skip
    return found[at : at + 3]


def word(found: str) -> str:
    """A word away from both ends."""
    words = [w for w in found.split()[1:-1] if len(w) > 2] or [found[4:8]]
    return words[len(words) // 2]


def never(found: str) -> str:
    """A text that does not occur: a word in the other case, unless that occurs, too."""
    other = word(found).swapcase()
    return "\u2603\u2603" if other in found else other


def _stops(*names: str, **more: Any) -> Build:
    pick = {"word": word, "inside": inside, "never": never}
    return lambda api: chat(stop=[pick[name](said(api)) for name in names], **more)(api)


def _stop_at_letter(api: Api) -> Asked:
    """A completion in raw UTF-8 that stops at a non-ASCII letter, if there is one."""
    found = said(api, "text.base")
    stops = [next((char for char in found[1:] if ord(char) > 0x7F), word(found))]
    return post(TEXT, text_of(text_body(api, stop=stops, max_tokens=...), ascii_only=False))


def _many_stops(api: Api) -> Asked:
    """Four sequences: the first and the last never occur, and the later hit is listed first."""
    found = said(api)
    early, late = sorted((word(found), inside(found)), key=found.find)
    return chat(stop=[never(found), late, early, "\u2603\u2603"])(api)


def _stop_text(api: Api) -> Asked:
    return chat(stop=word(said(api)))(api)


def _retrieve(key: str | None) -> Build:
    return lambda api: Asked(ROW, "GET", model_path(api), b"", key, (), valid=False)


def _any(path: str, method: str, body: bytes = b"") -> Build:
    return lambda api: Asked("", method, path, body, valid=False)


def _turns(*roles: str) -> list[Json]:
    texts = {"system": "Be brief.", "user": "Hello, how are you?", "assistant": "I am fine."}
    return [{"role": role, "content": texts[role]} for role in roles]


BASES: dict[str, Build] = {
    "models.list": get(LIST, "/models"),
    "chat.base": chat(),
    "chat.base.again": chat(),
    "chat.stream": chat(stream=True),
    "chat.stream.usage": chat(**WITH_USAGE),
    "text.base": text(),
    "text.base.again": text(),
}
ADMISSION: dict[str, Build] = {
    "key.missing.text": keyed(text(stream=True), None),
    "key.missing.list": get(LIST, "/models", authorization=None, valid=False),
    "key.empty": keyed(chat(), "Bearer "),
    "key.wrong.chat": keyed(chat(), f"Bearer {WRONG_KEY}"),
    "key.wrong.text": keyed(text(stream=True), f"Bearer {WRONG_KEY}"),
    "key.wrong.row": _retrieve(f"Bearer {WRONG_KEY}"),
    "key.basic": keyed(text(), "Basic {key}"),
    "key.blanks": keyed(chat(), "Bearer {key} {key}"),
    "key.in_query": _query_key,
    "key.missing.bad_body": keyed(bad_text(prompt=5), None),
    "path.unknown": _any("/no/such/route", "GET"),
    "path.get_chat": _any("/chat/completions", "GET"),
    "path.post_list": _any("/models", "POST", b"{}"),
}
MODELS: dict[str, Build] = {
    "models.row": _row(another=True),
    "models.row.encoded": _row(encoded=True),
    "models.row.unknown": get(ROW, f"/models/{UNKNOWN}", valid=False),
}
# Common to two sampled requests, at the upper ends of the ranges.
HIGHEST: Json = {
    "n": 2, "temperature": 1.99, "top_p": 1, "top_k": 127, "min_p": 0, "presence_penalty": 1.99,
    "frequency_penalty": 1.99, "repetition_penalty": 1.99, "stop": ["一", "二", "三", "四"],
}  # fmt: skip
VARIED: dict[str, Build] = {
    "chat.neutral": _stops("never", **NEUTRAL),
    "chat.written": _written,
    # The status of a refusal tells a lower-case scheme from an unknown field.
    "chat.unknown_field": lambda api: replace(
        chat(**UNKNOWN_FIELD)(api), authorization="bearer {key}"
    ),
    "chat.parts": chat(
        messages=[SYSTEM, {**USER, "content": [{"type": "text", "text": USER["content"]}]}]
    ),
    "chat.one": chat(max_tokens=1, n=2, logprobs=True),
    "chat.turns": chat(messages=[*MESSAGES, *_turns("assistant"), NAMED], **NULLS),
    "chat.lowest": chat(temperature=0.01, top_p=0.01, n=1, presence_penalty=-1.99, top_k=2,
                        frequency_penalty=-1.99, repetition_penalty=0.01, min_p=1, max_tokens=2,
                        logit_bias={"15": 100, "16": -100}, logprobs=True, top_logprobs=0),
    "chat.n": chat(**HIGHEST, seed=-7, response_format={"type": "text"}, logprobs=True,
                   top_logprobs=20),
    "chat.n.stream": chat(**HIGHEST, **WITH_USAGE),
    "chat.ends": chat(temperature=2, presence_penalty=-2, frequency_penalty=2, max_tokens=1),
}  # fmt: skip
STOPS: dict[str, Build] = {
    "stop.text": _stop_text,
    "stop.many": _many_stops,
    "stop.inside.stream": _stops("inside", stream=True),
    "stop.letter.text": _stop_at_letter,
}
LOGPROBS: dict[str, Build] = {
    "logprobs.chat": chat(logprobs=True, top_logprobs=3, max_tokens=5),
    "logprobs.chat.stream": chat(logprobs=True, top_logprobs=3, max_tokens=5, stream=True,
                             stream_options={"include_usage": False}),
    "logprobs.text": text(logprobs=2),
    "logprobs.text.stream": text(logprobs=2, **WITH_USAGE),
}  # fmt: skip
COMPLETIONS: dict[str, Build] = {
    "text.list": text(prompt=[PROMPT, "The sea is"], max_tokens=6),
    "text.tokens.stream": text(prompt=[[15, 16], [17]], n=2, max_tokens=6, temperature=None,
                               stream=True),
    "text.one": text(max_tokens=1, repetition_penalty=1),
}  # fmt: skip
# Requests that one page allows and another, or an observation, does not.
CONTESTED = frozenset(
    ("chat.ends", "chat.unknown_field", "odd.values", "text.list", "text.tokens.stream",
     "models.row.encoded", *FEATURES)
)  # fmt: skip
# An ordinary request once more: the requests before it must have left nothing behind.
AFTERWARDS: dict[str, Build] = {"chat.last": chat(max_tokens=FEW)}

CATALOGUE: dict[str, Build] = {
    **BASES, **ADMISSION, **MODELS, **ERRORS, **BY_HAND, **CONSTRAINTS, **VARIED, **STOPS,
    **LOGPROBS, **COMPLETIONS, **FEATURES, **AFTERWARDS,
}  # fmt: skip


def api_of(target: Target, *args: Any, **kwargs: Any) -> Api:
    """A target as the checks see it, with this catalogue. The arguments are those of `Api`."""
    return Api(target, Catalogue(CATALOGUE, CONTESTED), *args, **kwargs)
