"""The schemas as the referee reads them: jsonschema, where `12.0` and `true` are not integers.

The mock uses another validator. The suite may ask that one first, for speed, but never lets it
find a fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from novita_mock._api.description import BASE_URI, load_description

Json = dict[str, Any]


def _is_integer(_checker: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_STRICT: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


@cache
def registry() -> Any:
    """Every schema file by its URI."""
    found: Any = Registry()
    for uri, document in load_description().documents.items():
        # `$schema` would make a reference use the validator that takes 12.0 for an integer.
        plain = {key: value for key, value in document.items() if key != "$schema"}
        found = found.with_resource(uri, Resource.from_contents(plain, DRAFT202012))
    return found


@cache
def referee(path: str, strict: bool = True) -> Any:
    """A validator for the schema in the file `path`; `strict`: 12.0 is not an integer."""
    kind = _STRICT if strict else Draft202012Validator
    return kind({"$ref": BASE_URI + path}, registry=registry())


def first_fault(path: str, value: Any) -> tuple[str, str, tuple[Any, ...]] | None:
    """Where and how `value` breaks the schema: JSON path, message, path in the schema.

    The referee judges every form of a value once. Further values of a form that passed go to the
    compiled validator, and back to the referee only if that one objects.
    """
    judged = (path, form(value))
    if judged in _PASSED and _is_compiled_valid(path, value):
        return None
    if referee(path).is_valid(value):
        _PASSED.add(judged)
        return None
    error = _deepest(next(iter(referee(path).iter_errors(value))))
    return error.json_path, error.message[:300], tuple(error.absolute_schema_path)


_PASSED: set[tuple[str, Any]] = set()


def form(value: Any) -> Any:
    """A value without its texts and numbers: names, types, list items, and which floats are
    whole."""
    if isinstance(value, dict):
        return dict, tuple((name, form(member)) for name, member in value.items())
    if isinstance(value, list):
        return list, frozenset(map(form, value))
    return (float, value.is_integer()) if isinstance(value, float) else type(value)


def _is_compiled_valid(path: str, value: Any) -> bool:
    try:
        return load_description().validator(path).is_valid(value)
    except (ValueError, TypeError, OverflowError):
        # Lone surrogates and the like, which the compiled validator cannot read.
        return False


def _deepest(error: Any) -> Any:
    """The likeliest cause inside an `anyOf`: the one deepest in the value."""

    def depth(one: Any) -> tuple[int, bool]:
        return len(one.absolute_path), one.validator != "type"

    while error.context:
        error = max(error.context, key=depth)
    return error


def request_schema(operation: str) -> str:
    """The path of an operation's request schema."""
    return str(load_description().operations[operation].request)


def is_valid_request(operation: str, body: Any) -> bool:
    """Whether the request schema and its rule `x-not-below` allow `body`."""
    path = request_schema(operation)
    if not referee(path, strict=False).is_valid(body):
        return False
    rules = load_description().schema(path).get("x-not-below", {})
    pairs = [(body.get(high), body.get(low)) for high, low in rules.items()]
    return all(high is None or low is None or high >= low for high, low in pairs)


def described(path: str, value: Any) -> set[str]:
    """The paths of members that the schema does not name, e.g. `choices[].message.foo`."""
    seen = (path, form(value))
    if seen not in _DESCRIBED:
        root = load_description().schema(path)
        _DESCRIBED[seen] = set(_unknown(BASE_URI + path, root, value, ""))
    return _DESCRIBED[seen]


_DESCRIBED: dict[tuple[str, Any], set[str]] = {}


def _unknown(uri: str, schema: Any, value: Any, at: str) -> list[str]:
    found: list[str] = []
    if isinstance(value, list):
        here = parts(uri, schema)
        places = [(u, s["items"]) for u, s in here if isinstance(s.get("items"), dict)]
        for item in value:
            for where, items in places[:1]:
                found += _unknown(where, items, item, at + "[]")
    if isinstance(value, dict):
        known: dict[str, tuple[str, Any]] = {}
        for where, part in parts(uri, schema):
            known |= {name: (where, s) for name, s in part.get("properties", {}).items()}
        for name, member in value.items():
            if name in known:
                found += _unknown(*known[name], member, f"{at}.{name}".lstrip("."))
            elif known:
                found.append(f"{at}.{name}".lstrip("."))
    return found


def parts(uri: str, schema: Any) -> list[tuple[str, Json]]:
    """A schema and everything it refers to or combines in one place, with their base URIs."""
    if not isinstance(schema, dict):
        return []
    if set(schema) == {"$ref"}:
        return [(uri, schema), *parts(*resolve(uri, schema["$ref"]))]
    # The cached list holds its schema, so that no other object can get the same id.
    kept = _PARTS.get((uri, id(schema)))
    if kept is None:
        kept = _PARTS[uri, id(schema)] = list(_parts(uri, schema))
    return kept


_PARTS: dict[tuple[str, int], list[tuple[str, Json]]] = {}


def _parts(uri: str, schema: Json) -> Iterator[tuple[str, Json]]:
    yield uri, schema
    if "$ref" in schema:
        yield from parts(*resolve(uri, schema["$ref"]))
    for keyword in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(keyword, []):
            yield from parts(uri, branch)
    for keyword in ("then", "else"):
        yield from parts(uri, schema.get(keyword))


@cache
def resolve(uri: str, reference: str) -> tuple[str, Any]:
    """The document and the schema that a reference leads to."""
    found = registry().resolver(uri).lookup(reference)
    file = reference.partition("#")[0]
    base = uri if not file else str(registry().resolver(uri).lookup(file).contents["$id"])
    return base, found.contents
