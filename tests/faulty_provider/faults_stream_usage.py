"""Faults in the usage that a stream reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .edits import (
    Change,
    added_up,
    listed,
    should,
    to,
    usage,
)
from .probes import (
    STREAM,
    USAGE_STREAM,
)
from .values import Body, Completion, Fault, Hooks, Json


def _usage_last(change: Change) -> Hooks:
    def hook(made: list[Json], body: Body) -> list[Json]:
        if made and isinstance(made[-1].get("usage"), dict):
            made[-1]["usage"] = change(dict(made[-1]["usage"]))
        return made

    return Hooks(chunks=hook)


def _drop_usage_chunk(made: list[Json]) -> list[Json]:
    return made if made[-1]["choices"] else made[:-1]


def _usage_early(made: list[Json]) -> list[Json]:
    return made if made[-1]["choices"] else [made[0], made[-1], *made[1:-1]]


def _usage_unasked(made: Completion, body: Body) -> Completion:
    if body.get("stream"):
        body["stream_options"] = {"include_usage": True}
    return made


def _shrinking(made: list[Json], body: Body) -> list[Json]:
    if made[-1]["choices"]:
        return made
    last = made[-1]["usage"]
    for at, chunk in enumerate(made[:-1]):
        counts = dict(last)
        added_up(counts, completion_tokens=last["completion_tokens"] + len(made) - at)
        chunk["usage"] = counts
    return made


def _counts(**changes: Callable[[int], int]) -> Change:
    def change(held: dict[str, Any]) -> dict[str, Any]:
        added_up(held, **{key: new(held[key]) for key, new in changes.items()})
        return held

    return change


def _streamed_usage(held: dict[str, Any], made: Completion, body: Body) -> None:
    if body.get("stream"):
        added_up(held, prompt_tokens=held["prompt_tokens"] + 3)


def _usage(about: str, hooks: Hooks) -> Fault:
    return Fault("1.14", about, USAGE_STREAM, hooks)


STREAM_USAGE_FAULTS = {
    "stream-usage-missing": _usage("usage was asked for and is absent",
                                   Hooks(chunks=lambda made, body: _drop_usage_chunk(made))),
    "stream-usage-null": _usage("the usage chunk says null", _usage_last(to(None))),
    "stream-usage-unasked": should(Fault(
        "1.14", "usage comes without being asked for", STREAM, Hooks(plan=_usage_unasked))),
    "stream-usage-before-text": _usage("the usage chunk comes before the text",
                                       listed(_usage_early)),
    "stream-usage-total-wrong": _usage("total is not the sum", _usage_last(
        lambda held: {**held, "total_tokens": held["total_tokens"] + 2})),
    "stream-usage-zero": _usage("all counts are 0", _usage_last(
        _counts(prompt_tokens=lambda _: 0, completion_tokens=lambda _: 0))),
    "stream-usage-counts-chunks": _usage("chunks are counted, not tokens", _usage_last(
        _counts(completion_tokens=lambda held: held + 2))),
    "stream-usage-other-prompt": _usage("more prompt tokens than unstreamed",
                                        usage(_streamed_usage)),
    "stream-usage-shrinks": _usage("the counts go down from chunk to chunk",
                                   Hooks(chunks=_shrinking)),
    "stream-usage-lacks-total": _usage("no total_tokens", _usage_last(
        lambda held: {key: n for key, n in held.items() if key != "total_tokens"})),
    "stream-usage-text": _usage("counts are text", _usage_last(
        lambda held: {**held, "total_tokens": str(held["total_tokens"])})),
    "stream-usage-choices-null": should(_usage("the usage chunk has null for choices", listed(
        lambda made: [c if c["choices"] else {**c, "choices": None} for c in made]))),
}  # fmt: skip
