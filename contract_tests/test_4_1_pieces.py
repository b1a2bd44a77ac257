"""Fragments of tool calls, and how streams differ between servers."""

from __future__ import annotations

from .judging.checks import each
from .judging.selectors import chat_streams, streams
from .judging.verdicts import MUST, NOTE, SHOULD, expect
from .test_4_streams import adds
from .wire.exchange import Exchange, Json
from .wire.views import Stream, Unreadable, delta, said, shaped

# Fragments of calls


@each(chat_streams, MUST, "observed: kimi, dsv4 (tool calls while streaming)")
def test_the_first_fragment_of_a_call_has_its_id_and_name(stream: Stream) -> None:
    for call, fragments in _fragments(stream).items():
        first = fragments[0]
        named = first.get("id") and (first.get("function") or {}).get("name")
        expect(named, f"call {call} begins with {first}")


@each(chat_streams, MUST, "observed: kimi, dsv4 (tool calls while streaming)")
def test_no_later_fragment_renames_its_call(stream: Stream) -> None:
    for fragments in _fragments(stream).values():
        for fragment in fragments[1:]:
            id, name = fragment.get("id"), (fragment.get("function") or {}).get("name")
            first = (fragments[0].get("id"), (fragments[0].get("function") or {}).get("name"))
            good = id in (None, "", first[0]) and name in (None, "", first[1])
            expect(good, f"{first} goes on as {(id, name)}")


@each(chat_streams, SHOULD, "observed: kimi, dsv4; joiners that append a name double it")
def test_no_later_fragment_repeats_the_name(stream: Stream) -> None:
    for fragments in _fragments(stream).values():
        again = [f for f in fragments[1:] if (f.get("function") or {}).get("name")]
        expect(not again, f"{len(again)} of {len(fragments)} fragments repeat it")


@each(chat_streams, MUST, "observed: dsv4 (index 0 and 1)")
def test_the_calls_of_a_stream_are_numbered_from_zero(stream: Stream) -> None:
    numbers = sorted({call for _, call in _fragments(stream)})
    expect(numbers == list(range(len(numbers))), f"the calls are numbered {numbers}")


def _fragments(stream: Stream) -> dict[tuple[int, int], list[Json]]:
    """By choice and call, the fragments in order; raises Unreadable if nothing is called."""
    found: dict[tuple[int, int], list[Json]] = {}
    for _, piece in stream.pieces:
        for fragment in shaped(delta(piece).get("tool_calls") or [], list):
            call = shaped(shaped(fragment, dict).get("index"), int)
            found.setdefault((shaped(piece.get("index"), int), call), []).append(fragment)
    if not found:
        raise Unreadable("no tool is called")
    return found


# How streams differ between servers: reported, not judged


@each(chat_streams, NOTE, "observed: tapes, kimi (both manners)")
def test_the_role_comes_before_the_content(stream: Stream) -> None:
    for pieces in stream.deltas().values():
        expect(not said(pieces[0]), f"the first piece has a role and the text {said(pieces[0])!r}")


@each(streams, NOTE, "observed: tapes (the last text with the reason), kimi (apart)")
def test_the_reason_comes_after_the_content(stream: Stream) -> None:
    for pieces in stream.deltas().values():
        last = next((piece for piece in pieces if piece.get("finish_reason")), {})
        expect(not last or not adds(last), f"the last piece is {last}")


@each(chat_streams, NOTE, "observed: or-tape (role on every chunk)")
def test_the_role_comes_once(stream: Stream) -> None:
    for pieces in stream.deltas().values():
        roles = sum(bool(delta(piece).get("role")) for piece in pieces)
        expect(roles <= 1, f"the role stands on {roles} of {len(pieces)} pieces")


@each(chat_streams, NOTE, "observed: kimi (absent), dsv4 (empty text)")
def test_the_first_fragment_of_a_call_has_empty_arguments(stream: Stream) -> None:
    for fragments in _fragments(stream).values():
        first = (fragments[0].get("function") or {}).get("arguments")
        expect(first == "", f"its arguments are {first!r}")


@each(chat_streams, NOTE, "observed: kimi (repeated), dsv4 (not repeated)")
def test_the_type_of_a_call_comes_once(stream: Stream) -> None:
    for fragments in _fragments(stream).values():
        again = sum("type" in fragment for fragment in fragments)
        expect(again <= 1, f"the type stands on {again} of {len(fragments)} fragments")


@each(chat_streams, NOTE, "observed: Gemma behind a gateway (88 fragments)")
def test_the_arguments_of_a_call_come_in_several_fragments(stream: Stream) -> None:
    for fragments in _fragments(stream).values():
        expect(len(fragments) > 1, "a call comes in one piece")


@each(streams, NOTE, "observed: tapes (empty deltas before the content)")
def test_every_piece_brings_something(stream: Stream) -> None:
    empty = [
        piece for _, piece in stream.pieces
        if not adds(piece) and not delta(piece).get("role") and not piece.get("finish_reason")
    ]  # fmt: skip
    expect(not empty, f"{len(empty)} pieces are empty")


@each(streams, NOTE, "the first byte tells when a stream starts")
def test_a_stream_comes_in_more_than_one_read(stream: Stream) -> None:
    exchange: Exchange = stream.exchange
    reads = len(exchange.came.arrivals)
    if reads == 0:
        raise Unreadable("times were not taken")
    expect(reads > 1 or len(stream.chunks) < 12, "all events came at once")
