"""A schema and the documents its references lead to, read once and kept.

Opens references, and remembers constraints and compiled validators. Makes no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from novita_mock._instances.constraints import Constraints, Group, conjoined, owned
from novita_mock._instances.keywords import DYNAMIC, statements
from novita_mock._instances.negation import ways_round
from novita_mock._instances.refusal import NoInstance
from novita_mock._instances.subschema import (
    Json,
    Place,
    Subschema,
    absolute,
    below,
    in_place,
    inner,
    made,
    subschema_of,
)

NAMELESS = "json-schema:///"
# Compiled parts have a base URI of their own, apart from the documents they refer to.
_PART = "json-schema:///part"
_SEVEN = "http://json-schema.org/draft-07/schema#"
_FOUR = "http://json-schema.org/draft-04/schema#"
_DRAFTS = {
    "draft-04": 4,
    "draft-06": 6,
    "draft-07": 7,
    "draft/2019-09": 19,
    "draft/2020-12": 20,
}
_DATA = frozenset({"enum", "const", "default", "examples"})


def _implied_draft(schema: Json) -> str | None:
    """The draft that a schema without `$schema` was written for, if its spelling shows it."""
    pending = [schema]
    implied = None
    while pending:
        found = pending.pop()
        if isinstance(found, list):
            pending += found
        if not isinstance(found, dict):
            continue
        if any(isinstance(found.get(name), bool) for name in _OLD_BOUNDS):
            return _FOUR
        if isinstance(found.get("items"), list) or isinstance(found.get("dependencies"), dict):
            implied = _SEVEN
        pending += [value for name, value in found.items() if name not in _DATA]
    return implied


_OLD_BOUNDS = ("exclusiveMinimum", "exclusiveMaximum")


def _draft(schema: Json) -> int | None:
    written = schema.get("$schema") if isinstance(schema, dict) else None
    found = [n for name, n in _DRAFTS.items() if isinstance(written, str) and name in written]
    return found[0] if found else None


def _with_draft(schema: Json) -> Json:
    """The schema with a `$schema` that the validator knows, or without `$schema`."""
    if not isinstance(schema, dict) or _draft(schema):
        return schema
    rest = {name: value for name, value in schema.items() if name != "$schema"}
    implied = _implied_draft(rest)
    return {"$schema": implied, **rest} if implied else rest


def _in_order(document: Json, fragment: str, found: Json) -> Json:
    """What a JSON pointer leads to in `document`: the registry's copy has sorted keys."""
    if document is None or not (fragment == "" or fragment.startswith("/")):
        return found
    for step in fragment.split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        document = document[int(name) if isinstance(document, list) else name]
    return document


def invalid(error: Exception, pointer: str = "#") -> NoInstance:
    """The refusal for an error that the validator found in the schema itself."""
    path = list(getattr(error, "instance_path", ()))
    problem = str(getattr(error, "message", error)).partition("\n")[0]
    named = [i for i, step in enumerate(path) if isinstance(step, str)]
    if not named:
        return NoInstance(pointer, "$ref" if _about_references(problem) else "", problem)
    last = named[-1]
    place = "".join(f"/{step}" for step in path[:last])
    return NoInstance(pointer + place, path[last], problem)


def invalid_instance(error: Any, pointer: str = "#") -> NoInstance:
    """The refusal for a keyword that no generated value satisfied."""
    *steps, keyword = [*error.schema_path] or [""]
    while steps and not isinstance(keyword, str):
        keyword = steps.pop()
    place = pointer + "".join(f"/{step}" for step in steps)
    return NoInstance(place, str(keyword), "no value was found that meets it")


def _about_references(problem: str) -> bool:
    return any(word in problem for word in ("Pointer", "Resource", "Anchor", "resolve", "retriev"))


@dataclass(frozen=True, slots=True)
class Registry:
    """The documents, and what has been read from them so far."""

    base: str
    referencing: Any
    documents: Mapping[str, Json]
    root: Subschema
    draft: int
    validator: Any
    lenient: Any
    """The validator that treats `format` as an annotation."""
    _subschemas: dict[str, Subschema] = field(default_factory=dict)
    _constraints: dict[Subschema, Constraints] = field(default_factory=dict)
    _joint: dict[tuple[Subschema, ...], Constraints] = field(default_factory=dict)
    _validators: dict[Subschema, Any] = field(default_factory=dict)
    depths: dict[tuple[Subschema, ...], int] = field(default_factory=dict)

    def opened(self, reference: str, subschema: Subschema) -> Subschema:
        """What the absolute `reference` in `subschema` leads to."""
        if reference not in self._subschemas:
            self._subschemas[reference] = self._looked_up(reference, subschema)
        return self._subschemas[reference]

    def _looked_up(self, reference: str, subschema: Subschema) -> Subschema:
        try:
            found = self.referencing.resolver(self.base).lookup(reference)
        except (jsonschema_rs.ReferencingError, jsonschema_rs.ValidationError, ValueError) as error:
            raise NoInstance(subschema.pointer, "$ref", str(error)) from None
        document, _, fragment = reference.partition("#")
        pointer = f"#{fragment}" if document == self.base.partition("#")[0] else reference
        contents = _in_order(self.documents.get(document), fragment, found.contents)
        return subschema_of(contents, Place(found.resolver.base_uri, found.draft, pointer))

    def refuse_dynamic(self) -> None:
        """Refuses a dynamic reference in the schema itself, whatever the seed.

        Generation may be able to avoid one in another document.
        """
        for subschema in below(self.root):
            for keyword in subschema.keywords.keys() & {"$dynamicRef", "$recursiveRef"}:
                raise NoInstance(subschema.pointer, keyword, DYNAMIC)

    def refuse_loops(self) -> None:
        """Refuses a schema that applies itself to the same value.

        It states nothing, and some validators never end. Visits everything that can be reached,
        depth first.
        """
        done: set[Subschema] = set()
        pending = [self.root]
        while pending:
            subschema = pending.pop()
            if subschema not in done:
                self._follow(subschema, {}, done)
                pending += inner(subschema)

    def _follow(
        self, subschema: Subschema, outer: dict[Subschema, None], done: set[Subschema]
    ) -> None:
        if subschema in outer:
            raise NoInstance(subschema.pointer, "$ref", "the reference leads back to itself")
        if subschema in done:
            return
        outer[subschema] = None
        for part in (*in_place(subschema), *self._referred(subschema)):
            self._follow(part, outer, done)
        del outer[subschema]
        done.add(subschema)

    def constraints(self, subschema: Subschema) -> Constraints:
        """All that `subschema` states, including its allOf and its references."""
        if subschema in self._constraints:
            return self._constraints[subschema]
        constraints = Constraints(pointer=subschema.pointer)
        for stated in statements(subschema):
            constraints = conjoined(constraints, stated)
        for part in (*subschema.keywords.get("allOf", ()), *self._referred(subschema)):
            constraints = conjoined(constraints, self.constraints(part))
        if {"unevaluatedItems", "unevaluatedProperties"} & set(subschema.keywords):
            constraints = owned(constraints, frozenset([subschema]))
        self._constraints[subschema] = constraints
        return constraints

    def _referred(self, subschema: Subschema) -> tuple[Subschema, ...]:
        reference = subschema.keywords.get("$ref")
        return () if reference is None else (self.opened(reference, subschema),)

    def joint(self, subschemas: tuple[Subschema, ...]) -> Constraints:
        """The constraints that hold if all `subschemas` hold."""
        if len(subschemas) == 1:
            return self.constraints(subschemas[0])
        if subschemas not in self._joint:
            constraints = Constraints()
            for subschema in subschemas:
                constraints = conjoined(constraints, self.constraints(subschema))
            self._joint[subschemas] = constraints
        return self._joint[subschemas]

    def ways_round(self, subschema: Subschema) -> Group:
        """The choice of how to violate `subschema`, with its reference opened."""
        if "$ref" not in subschema.keywords:
            return ways_round(subschema)
        rest = {name: value for name, value in subschema.keywords.items() if name != "$ref"}
        parts = (self.opened(subschema.keywords["$ref"], subschema), *rest.get("allOf", ()))
        return ways_round(made(subschema.pointer, **{**rest, "allOf": parts}))

    def accepts(self, subschema: Subschema, value: Json) -> bool:
        """Whether `value` is valid for `subschema`."""
        return bool(self._validator(subschema).is_valid(value))

    def fault(self, subschema: Subschema, value: Json) -> NoInstance | None:
        """Why `value` is not valid for `subschema`; None if it is valid."""
        error = next(iter(self._validator(subschema).iter_errors(value)), None)
        return None if error is None else invalid_instance(error, subschema.pointer)

    def _validator(self, subschema: Subschema) -> Any:
        if subschema not in self._validators:
            try:
                self._validators[subschema] = _compiled(subschema.plain, self.referencing)
            except jsonschema_rs.ValidationError as error:
                # The whole schema compiled, so this part lacks the scope of a dynamic anchor.
                raise NoInstance(subschema.pointer, "$dynamicRef", str(error.message)) from None
        return self._validators[subschema]


def _compiled(schema: Json, referencing: Any) -> Any:
    return jsonschema_rs.Draft202012Validator(
        schema, registry=referencing, base_uri=_PART, validate_formats=True, offline=True
    )


def registry(schema: Json, documents: Mapping[str, Json]) -> Registry:
    """The schema, checked, compiled and ready to read.

    Raises NoInstance if the schema is invalid or a reference cannot be resolved.
    """
    if not isinstance(schema, dict | bool):
        raise NoInstance("#", "", "a schema is an object or a boolean")
    known = _with_draft(schema)
    identifier = known.get("$id", known.get("id")) if isinstance(known, dict) else None
    base = absolute(NAMELESS, identifier) if isinstance(identifier, str) else NAMELESS
    try:
        referencing = jsonschema_rs.Registry(
            [*documents.items(), (base, known)], draft=_draft(known)
        )
        strict, lenient = (
            jsonschema_rs.validator_for(
                known,
                registry=referencing,
                base_uri=base,
                validate_formats=formats,
                offline=True,
            )
            for formats in (True, False)
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise invalid(error) from None
    draft = _draft(known) or 20
    root = subschema_of(known, Place(base, draft, "#"))
    own = {**documents, base.partition("#")[0]: known}
    read = Registry(base, referencing, own, root, draft, strict, lenient)
    read.refuse_dynamic()
    read.refuse_loops()
    return read
