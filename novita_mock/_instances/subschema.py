"""One schema as the generator reads it: spelled as in draft 2020-12, with absolute references.

Knows the spellings of drafts 4 to 7; must not know what a keyword means for a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urljoin

Json: TypeAlias = Any

ONE = frozenset(
    "additionalProperties propertyNames contains items not if then else"
    " unevaluatedItems unevaluatedProperties".split()
)
LISTED = frozenset("allOf anyOf oneOf prefixItems".split())
NAMED = frozenset("properties patternProperties dependentSchemas".split())
PLAIN = frozenset(
    "type enum const minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"
    " minLength maxLength pattern format minItems maxItems uniqueItems minContains maxContains"
    " minProperties maxProperties required dependentRequired description title"
    " $dynamicRef $recursiveRef".split()
)
KNOWN = ONE | LISTED | NAMED | PLAIN | {"$ref"}

_METASCHEMAS = ("http://json-schema.org/draft", "https://json-schema.org/draft")
# Good enough for "some JSON Schema": the schema of schemas is made of dynamic references.
_SOME_SCHEMAS: tuple[Json, ...] = ({"type": "string"}, {"type": "object"}, {})


@dataclass(frozen=True, slots=True, eq=False)
class Subschema:
    """A schema at its place. In `keywords`, the nested schemas are `Subschema` values too.

    Compared by identity, so that what was read from it can be cached.
    """

    pointer: str
    plain: Json
    keywords: Mapping[str, Any]

    @property
    def never(self) -> bool:
        """Whether no value at all is valid here."""
        return self.plain is False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a raw schema is: base URI for its references, draft, pointer for messages."""

    base: str
    draft: int
    pointer: str

    def child(self, *names: str | int) -> Place:
        steps = "".join(f"/{str(name).replace('~', '~0').replace('/', '~1')}" for name in names)
        return Place(self.base, self.draft, self.pointer + steps)


def absolute(base: str, reference: str) -> str:
    """`reference` resolved against `base`; `urljoin` alone does not support `urn:`."""
    if reference.startswith("#"):
        return base.partition("#")[0] + reference
    return urljoin(base, reference)


def stripped(value: object) -> Json:
    """The plain JSON of a keyword's value, which may hold subschemas."""
    if isinstance(value, Subschema):
        return value.plain
    if isinstance(value, Mapping):
        return {name: stripped(part) for name, part in value.items()}
    return [stripped(part) for part in value] if isinstance(value, list | tuple) else value


def made(pointer: str, **keywords: Any) -> Subschema:
    """A schema of no document, made from keywords and other subschemas."""
    spelled = {name.removesuffix("_"): value for name, value in keywords.items()}
    return Subschema(pointer, stripped(spelled), spelled)


def subschema_of(schema: Json, place: Place) -> Subschema:
    """The raw `schema` and everything below it. `place` already takes its `$id` into account."""
    if not isinstance(schema, Mapping):
        return Subschema(place.pointer, bool(schema), {})
    keywords = {
        name: _keyword(name, value, place)
        for name, value in _respelled(schema, place.draft).items()
        if name in KNOWN
    }
    if keywords.get("$ref", "").startswith(_METASCHEMAS):
        some = made(keywords.pop("$ref"), enum=_SOME_SCHEMAS)
        keywords["allOf"] = (some, *keywords.get("allOf", ()))
    plain = {name: value if name in PLAIN else stripped(value) for name, value in keywords.items()}
    return Subschema(place.pointer, plain, keywords)


_IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")


def _parts(subschema: Subschema, names: Iterable[str]) -> Iterator[Subschema]:
    for name in names:
        value = subschema.keywords[name]
        if name in ONE:
            yield value
        elif name in LISTED or name in NAMED:
            yield from value.values() if name in NAMED else value


def inner(subschema: Subschema) -> list[Subschema]:
    """The subschemas in the keywords of `subschema`."""
    return list(_parts(subschema, subschema.keywords))


def in_place(subschema: Subschema) -> list[Subschema]:
    """The inner subschemas that apply to the same value as `subschema`."""
    return list(_parts(subschema, (name for name in _IN_PLACE if name in subschema.keywords)))


def below(subschema: Subschema) -> Iterator[Subschema]:
    """`subschema` and everything inside it, at any depth."""
    yield subschema
    for part in inner(subschema):
        yield from below(part)


def _inner(schema: Json, place: Place) -> Subschema:
    return subschema_of(schema, _moved(schema, place))


def _moved(schema: Json, place: Place) -> Place:
    if not isinstance(schema, Mapping):
        return place
    identifier = schema.get("id" if place.draft == 4 else "$id")
    ignored = place.draft <= 7 and "$ref" in schema
    if not isinstance(identifier, str) or identifier.startswith("#") or ignored:
        return place
    return Place(absolute(place.base, identifier), place.draft, place.pointer)


def _keyword(name: str, value: Json, place: Place) -> Any:
    if name == "$ref":
        return absolute(place.base, value)
    if name in ONE:
        return _inner(value, place.child(name))
    if name in LISTED:
        return tuple(_inner(part, place.child(name, i)) for i, part in enumerate(value))
    if name in NAMED:
        return {key: _inner(part, place.child(name, key)) for key, part in value.items()}
    return value


def _respelled(schema: Mapping[str, Json], draft: int) -> Mapping[str, Json]:
    if draft > 7:
        return _new_items(schema) if draft == 19 else schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    return _new_bounds(_new_dependencies(_new_items(schema)))


def _new_items(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    if not isinstance(schema.get("items"), list):
        return schema
    rest = {name: value for name, value in schema.items() if name != "items"}
    rest["prefixItems"] = schema["items"]
    return rest | ({"items": schema["additionalItems"]} if "additionalItems" in schema else {})


def _new_dependencies(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    if "dependencies" not in schema:
        return schema
    found = schema["dependencies"].items()
    lists = {name: value for name, value in found if isinstance(value, list)}
    schemas = {name: value for name, value in found if not isinstance(value, list)}
    return {
        **schema,
        "dependentRequired": schema.get("dependentRequired", {}) | lists,
        "dependentSchemas": schema.get("dependentSchemas", {}) | schemas,
    }


def _new_bounds(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    spelled = dict(schema)
    for old, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(spelled.get(old), bool):
            exclusive = spelled.pop(old)
            if exclusive and bound in spelled:
                spelled[old] = spelled.pop(bound)
    return spelled
