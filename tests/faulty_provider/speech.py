"""Tokens, texts, log probabilities and JSON values: everything the pretended models say.

All of it is a function of a key, so that equal keys give equal answers.
"""

from __future__ import annotations

import hashlib
import math
import random
import re
from typing import Any

_WORDS = (
    "river stone lamp morning quiet paper window garden silver travel number bridge music "
    "simple answer winter letter market forest engine pocket summer candle orange copper "
    "harbour yellow basket thunder velvet meadow ladder mirror pepper saddle tunnel anchor"
)
_PLAIN = _WORDS.split(" ")
_FOREIGN = ("café", "naïve", "über", "東京", "Привет", "🙂", "señor", "שלום", "smørrebrød")
_TOKEN = re.compile(r"\s*\w{1,5}|\s*[^\w\s]|\s+")


def tokens_of(text: str) -> list[str]:
    """Pieces that, joined, give the text again."""
    return _TOKEN.findall(text)


def source(*key: object) -> random.Random:
    digest = hashlib.sha256(repr(key).encode("utf-8", "surrogatepass")).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


def prose(rng: random.Random) -> str:
    """Ten to twenty-six words, one of the first four not Latin-1, in short sentences."""
    words = rng.choices(_PLAIN, k=rng.randint(10, 26))
    for at in {rng.randint(1, 3), rng.randrange(len(words))}:
        words[at] = rng.choice(_FOREIGN)
    text, fresh = "", True
    for at, word in enumerate(words):
        text += ("" if not text or text.endswith("\n") else " ") + (word.title() if fresh else word)
        fresh = at == len(words) - 1 or rng.random() < 0.2
        text += (".\n" if at == 5 and at < len(words) - 1 else ".") if fresh else ""
    return text


def odds(token: str, at: int, count: int) -> tuple[float, list[tuple[str, float]]]:
    """The log probability of a token and its `count` best alternatives, itself the first."""
    rng = source("odds", token, at)
    chance = rng.uniform(0.5, 0.9)
    others = rng.sample([word for word in _PLAIN if word != token], 20)
    rest = [(word, (1 - chance) * 0.5 ** (rank + 1)) for rank, word in enumerate(others)]
    best = [(token, chance), *rest][:count]
    return math.log(chance), [(word, math.log(p)) for word, p in best]


def value_for(schema: Any, rng: random.Random) -> Any:
    """A value that is valid for a simple JSON Schema; null where the schema makes no sense."""
    try:
        return _value(schema, rng, schema, 0)
    except (TypeError, ValueError, AttributeError, OverflowError):
        return None


def _value(schema: Any, rng: random.Random, root: Any, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > 20:
        return None
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return rng.choice(schema["enum"])
    for word in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(word), list) and schema[word]:
            rest = {key: value for key, value in schema.items() if key != word}
            first = schema[word][0]
            merged = {**rest, **first} if isinstance(first, dict) else rest
            return _value(merged, rng, root, depth + 1)
    if isinstance(schema.get("$ref"), str):
        return _value(_referred(schema["$ref"], root), rng, root, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    make = _MAKERS.get(kind) if isinstance(kind, str) else None
    return make(schema, rng, root, depth) if make else None


def _referred(reference: str, root: Any) -> Any:
    for step in reference.lstrip("#/").split("/") if reference != "#" else ():
        step = step.replace("~1", "/").replace("~0", "~")
        root = root.get(step) if isinstance(root, dict) else None
    return root


def _text(schema: dict[str, Any], rng: random.Random, root: Any, depth: int) -> str:
    text = rng.choice(_PLAIN).ljust(int(schema.get("minLength") or 0), "a")
    most = schema.get("maxLength")
    return text if most is None else text[: int(most)]


def _number(schema: dict[str, Any], rng: random.Random, root: Any, depth: int) -> float:
    low: Any = schema.get("minimum")
    high: Any = schema.get("maximum")
    low = schema["exclusiveMinimum"] + 0.5 if "exclusiveMinimum" in schema else low
    high = schema["exclusiveMaximum"] - 0.5 if "exclusiveMaximum" in schema else high
    if low is None and high is None:
        return float(rng.randint(0, 99)) + 0.5
    low = high - 1 if low is None else low
    return float(low) if high is None else (float(low) + float(high)) / 2


def _integer(schema: dict[str, Any], rng: random.Random, root: Any, depth: int) -> int:
    low, high = schema.get("minimum"), schema.get("maximum")
    low = math.floor(schema["exclusiveMinimum"]) + 1 if "exclusiveMinimum" in schema else low
    high = math.ceil(schema["exclusiveMaximum"]) - 1 if "exclusiveMaximum" in schema else high
    low = (0 if high is None else math.floor(high) - 9) if low is None else math.ceil(low)
    step = int(schema.get("multipleOf") or 1)
    return -(-rng.randint(low, low + 9 if high is None else math.floor(high)) // step) * step


def _array(schema: dict[str, Any], rng: random.Random, root: Any, depth: int) -> list[Any]:
    count = int(schema.get("minItems") or (2 if depth < 4 else 0))
    count = min(count, int(schema.get("maxItems", count)))
    return [_value(schema.get("items", {}), rng, root, depth + 1) for _ in range(count)]


def _object(schema: dict[str, Any], rng: random.Random, root: Any, depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = schema.get("required") or []
    wanted = list(properties) if depth < 4 else [key for key in required if key in properties]
    made = {key: _value(properties[key], rng, root, depth + 1) for key in wanted}
    return made | {key: "" for key in required if key not in made}


_MAKERS = {
    "string": _text,
    "number": _number,
    "integer": _integer,
    "boolean": lambda schema, rng, root, depth: rng.random() < 0.5,
    "array": _array,
    "object": _object,
}
