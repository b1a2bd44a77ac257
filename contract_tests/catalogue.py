"""The fixed catalogue: every request by name, in the order in which they are sent.

Most are one greedy request with one change, so that their answers can be compared. Some are made
from an earlier answer, such as a stop sequence that has to occur.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .exchange import WRONG_KEY, Asked, Json
from .features import FEATURES
from .laws import Undecided
from .refusals import ERRORS, OUTSIDE, REQUIRED, UNKNOWN, WRONG_TYPES
from .requests import (
    FEW,
    MESSAGES,
    PROMPT,
    SYSTEM,
    USER,
    Build,
    bad_chat,
    chat,
    chat_body,
    get,
    keyed,
    post,
    text,
    text_body,
    text_of,
)
from .views import CHAT, TEXT

if TYPE_CHECKING:
    from .api import Api

LIST, ROW = "models.list", "models.retrieve"
FOREIGN = "Grüße, 東京 und Привет 👩‍👩‍👧: naïve café"
NULLS: Json = dict.fromkeys(
    ("n", "stream", "stream_options", "top_p", "frequency_penalty", "presence_penalty", "stop",
     "logit_bias", "logprobs", "top_logprobs", "tools", "response_format")
)  # fmt: skip
DEFAULTS: Json = {"n": 1, "stream": False}
# Values that mean nothing, in the words of a page or by their nature.
NEUTRAL: Json = {
    "logprobs": False, "stop": [], "x_unknown_field": {"a": [1]},
}  # fmt: skip
NAMED: Json = {"role": "user", "content": "Hello, how are you?", "name": "somebody_1"}
WITH_USAGE: Json = {"stream": True, "stream_options": {"include_usage": True}}
LONGER = "Please read this first. " + "A river runs from the mountain to the sea. " * 12


def model_path(api: Api, encoded: bool = False, nth: int = 0) -> str:
    ids = [row["id"] for row in api.rows if row["id"] != api.model]
    if nth and not ids:
        raise Undecided("the list has one model only")
    id = ids[len(ids) // 2] if nth else api.model
    return "/models/" + quote(id, safe="" if encoded else "/")


def _row(encoded: bool = False, nth: int = 0) -> Build:
    return lambda api: Asked(ROW, "GET", model_path(api, encoded, nth), headers=())


def _query_key(api: Api) -> Asked:
    asked = chat()(api)
    path = f"{asked.path}?api_key={{key}}&key={{key}}"
    return replace(asked, path=path, authorization=None, valid=False)


def _reordered(api: Api) -> Asked:
    body = dict(reversed(list(chat_body(api).items())))
    return post(CHAT, b"\n  " + text_of(body, separators=(",", ":")) + b"\r\n ")


def _fractions(api: Api) -> Asked:
    body = text_of(chat_body(api, temperature=..., frequency_penalty=...))[:-1]
    return post(CHAT, body + b', "temperature": 0.0, "frequency_penalty": 0.0}')


def _foreign(operation: str, ascii_only: bool) -> Build:
    def built(api: Api) -> Asked:
        asked = [SYSTEM, {"role": "user", "content": FOREIGN}]
        body = chat_body(api, messages=asked) if operation == CHAT else text_body(api)
        body |= {} if operation == CHAT else {"prompt": FOREIGN}
        return post(operation, text_of(body, ascii_only=ascii_only))

    return built


def said(api: Api, name: str = "chat.base") -> str:
    """The text of an earlier answer, to choose stop sequences from."""
    found = api.answer(name).text
    if len(found) < 12:
        raise Undecided(f"the text of {name} is too short to choose a stop sequence from")
    return found


def inside(found: str, share: float = 0.4) -> str:
    """A piece from the middle of a word into the next one, away from both ends."""
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


def foreign(found: str) -> str:
    sign = next((s for s in found[1:] if ord(s) > 0x2FF), None)
    if sign is None:
        raise Undecided("the answer has no letter beyond the Latin alphabet to stop at")
    return sign


def never(found: str) -> str:
    """What does not occur: a word of the text in the other case, if there is one."""
    other = word(found).swapcase()
    return "\u2603\u2603" if other in found else other


def _stops(*names: str, source: str = "chat.base", **more: Any) -> Build:
    pick = {"word": word, "inside": inside, "foreign": foreign, "never": never}

    def built(api: Api) -> Asked:
        found = [pick[name](said(api, source)) for name in names]
        members = {"stop": found, **more}
        return (chat if source.startswith("chat") else text)(**members)(api)

    return built


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
    "text.stream": text(stream=True),
    "text.stream.usage": text(**WITH_USAGE),
}
ADMISSION: dict[str, Build] = {
    "key.missing.chat": keyed(chat(), None),
    "key.missing.stream": keyed(chat(stream=True), None),
    "key.missing.text": keyed(text(), None),
    "key.missing.list": get(LIST, "/models", authorization=None, valid=False),
    "key.empty": keyed(chat(), "Bearer "),
    "key.wrong.chat": keyed(chat(), f"Bearer {WRONG_KEY}"),
    "key.wrong.stream": keyed(chat(stream=True), f"Bearer {WRONG_KEY}"),
    "key.wrong.text": keyed(text(), f"Bearer {WRONG_KEY}"),
    "key.wrong.row": _retrieve(f"Bearer {WRONG_KEY}"),
    "key.basic": keyed(chat(), "Basic {key}"),
    "key.blanks": keyed(chat(), "Bearer {key} {key}"),
    "key.in_query": _query_key,
    "key.lower_case": lambda api: replace(chat()(api), authorization="bearer {key}"),
    "key.missing.bad_body": keyed(bad_chat(messages="hello"), None),
    "path.unknown": _any("/no/such/route", "GET"),
    "path.get_chat": _any("/chat/completions", "GET"),
    "path.post_list": _any("/models", "POST", b"{}"),
}
MODELS: dict[str, Build] = {
    "models.row": _row(),
    "models.row.encoded": _row(encoded=True),
    "models.row.other": _row(nth=1),
    "models.row.unknown": get(ROW, f"/models/{UNKNOWN}", valid=False),
}
VARIED: dict[str, Build] = {
    "chat.defaults": chat(**DEFAULTS),
    "chat.nulls": chat(**NULLS),
    "chat.reordered": _reordered,
    "chat.fractions": _fractions,
    "chat.unknown_field": chat(**NEUTRAL),
    "chat.parts": chat(messages=[SYSTEM, {**USER, "content": [
        {"type": "text", "text": USER["content"]}]}]),
    "chat.foreign": _foreign(CHAT, ascii_only=True),
    "chat.foreign.raw": _foreign(CHAT, ascii_only=False),
    "chat.one": chat(max_tokens=1),
    "chat.few": chat(max_tokens=5),
    "chat.few.stream": chat(
        max_tokens=2, stream=True, stream_options={"include_usage": False}
    ),
    "chat.longer": chat(messages=[SYSTEM, {"role": "user", "content": LONGER}]),
    "chat.turns": chat(messages=[*MESSAGES, *_turns("assistant"), NAMED]),
    "chat.lowest": chat(temperature=0.01, top_p=0.01, n=1, presence_penalty=-1.99, top_k=2,
                        frequency_penalty=-1.99, repetition_penalty=0.01, min_p=0, max_tokens=2,
                        logit_bias={"16": -100}, logprobs=True, top_logprobs=0),
    "chat.highest": chat(temperature=1.99, top_p=1, n=2, presence_penalty=1.99, top_k=127,
                         frequency_penalty=1.99, repetition_penalty=1.99, min_p=1, max_tokens=2,
                         logit_bias={"15": 100}, logprobs=True, top_logprobs=20,
                         stop=["一", "二", "三", "四"]),
    "chat.ends.low": chat(presence_penalty=-2, frequency_penalty=-2, max_tokens=1),
    "chat.ends.high": chat(temperature=2, presence_penalty=2, frequency_penalty=2, max_tokens=1),
    "chat.n": chat(n=2, temperature=1, seed=-7, repetition_penalty=1,
                   frequency_penalty=0, presence_penalty=0),
    "chat.n.stream": chat(n=2, temperature=None, **WITH_USAGE),
    "chat.seed.1": chat(seed=1, temperature=2, response_format={"type": "text"}),
    "chat.seed.2": chat(seed=2, temperature=2),
}  # fmt: skip
STOPS: dict[str, Build] = {
    "stop.text": _stop_text,
    "stop.array": _stops("word"),
    "stop.two": _stops("never", "word", "inside"),
    "stop.two.reversed": _stops("inside", "word", "never"),
    "stop.inside.stream": _stops("inside", stream=True),
    "stop.never": _stops("never"),
    "stop.foreign": _stops("foreign"),
    "stop.no_text": _stops("word", source="text.base", max_tokens=...),
}
ODDS: dict[str, Build] = {
    "odds.chat": chat(logprobs=True, top_logprobs=3),
    "odds.chat.stream": chat(logprobs=True, top_logprobs=3, stream=True),
    "odds.chat.none": chat(logprobs=True, n=2),
    "odds.text": text(logprobs=2),
    "odds.text.stream": text(logprobs=2, stream=True),
}
COMPLETIONS: dict[str, Build] = {
    "text.list": text(prompt=[PROMPT, "The sea is"], max_tokens=6),
    "text.list.n": text(prompt=[PROMPT, "The sea is"], n=2, max_tokens=6, temperature=1),
    "text.list.stream": text(prompt=[PROMPT, "The sea is"], max_tokens=6, **WITH_USAGE),
    "text.tokens": text(prompt=[15, 16, 17], max_tokens=4),
    "text.foreign.raw": _foreign(TEXT, ascii_only=False),
    "text.one": text(max_tokens=1),
}
# Requests that one page allows and another, or an observation, does not.
CONTESTED = frozenset(
    ("key.lower_case", "chat.ends.low", "chat.ends.high", "chat.unknown_field", "odd.surrogate",
     "odd.huge", "text.list", "text.list.n", "text.list.stream", "text.tokens",
     "models.row.encoded", *FEATURES)
)  # fmt: skip
# An ordinary request once more: what was sent in between must have left nothing behind.
AFTERWARDS: dict[str, Build] = {"chat.last": chat(max_tokens=FEW)}

CATALOGUE: dict[str, Build] = {
    **BASES, **ADMISSION, **MODELS, **ERRORS, **REQUIRED, **OUTSIDE, **WRONG_TYPES, **VARIED,
    **STOPS, **ODDS, **COMPLETIONS, **FEATURES, **AFTERWARDS,
}  # fmt: skip
