"""What a stream is made of, read from the bytes on the wire."""

from __future__ import annotations

from .judging.checks import check, each
from .judging.probe import Api
from .judging.referee import first_fault
from .judging.selectors import chat_streams, streams
from .judging.verdicts import MUST, NOTE, SHOULD, Failed, Skipped, expect
from .test_3_answers import wanted
from .wire.exchange import Json
from .wire.sse import DONE
from .wire.strict_json import JsonFault, read_text
from .wire.views import Answer, Stream, Unreadable, answer_of, delta, said, shaped

FRAMES = "docs: Create chat completion (data-only events, data: [DONE]); observed: tapes"
CHUNKS = "docs: Create chat completion, Create completion (stream); observed: tapes"
USAGE = "docs: stream_options.include_usage; observed: usage-2504, dsv4, kimi (other places)"
PAIRS = (
    ("chat.base", "chat.stream"),
    ("chat.base", "chat.stream.usage"),
    ("text.base", "logprobs.text.stream"),
)


# Frames


@each(streams, MUST, FRAMES)
def test_a_stream_is_sent_as_events(stream: Stream) -> None:
    kind = stream.exchange.came.media_type
    expect(kind == "text/event-stream", f"Content-Type: {kind or 'absent'}")


@each(streams, MUST, "HTML standard, 9.2: parsing an event stream")
def test_a_stream_is_framed_by_the_standard(stream: Stream) -> None:
    faults = stream.exchange.events.faults
    expect(not faults, "; ".join(faults[:3]))


@each(streams, SHOULD, FRAMES)
def test_a_stream_has_no_lines_beside_its_data(stream: Stream) -> None:
    extras = stream.exchange.events.extras
    expect(not extras, f"{len(extras)} other lines, such as {extras[:1]}")


@each(streams, NOTE, FRAMES)
def test_a_stream_ends_its_lines_in_one_way(stream: Stream) -> None:
    expect(not stream.exchange.events.mixed_ends, "line ends are mixed")


@each(streams, MUST, FRAMES)
def test_every_event_is_a_json_object_or_the_end(stream: Stream) -> None:
    for data in stream.payloads:
        if data == DONE:
            continue
        try:
            value = read_text(data)
        except JsonFault as fault:
            raise Failed(f"the event {data[:120]!r}: {fault}") from None
        expect(isinstance(value, dict), f"the event {data[:120]!r}")


@each(streams, MUST, FRAMES)
def test_a_stream_ends_with_done_once(stream: Stream) -> None:
    ends = [at for at, data in enumerate(stream.payloads) if data == DONE]
    last = len(stream.payloads) - 1
    expect(ends == [last] and ends, f"{DONE} stands at {ends} of {last + 1} events")


# Chunks


@each(streams, MUST, CHUNKS)
def test_every_chunk_has_the_documented_shape(stream: Stream) -> None:
    from novita_mock._api.description import load_description

    path = load_description().operations[stream.exchange.asked.operation].chunk
    for at, chunk in enumerate(stream.chunks):
        fault = first_fault(str(path), chunk)
        if fault is not None:
            raise Failed(f"chunk {at}, {fault[0]}: {fault[1]}", f"the schema {path}")


@each(streams, MUST, CHUNKS + " (the same id, created and model on all chunks)")
def test_all_chunks_have_one_head(stream: Stream) -> None:
    for name in ("id", "created", "model", "system_fingerprint"):
        found = {repr(chunk[name]) for chunk in stream.chunks if name in chunk}
        expect(len(found) <= 1, f"{name} is {' and '.join(sorted(found)[:3])}")


@each(chat_streams, MUST, CHUNKS + " (role first)")
def test_the_first_piece_of_a_choice_names_its_role(stream: Stream) -> None:
    for index, pieces in stream.deltas().items():
        role = delta(pieces[0]).get("role")
        expect(role == "assistant", f"choice {index} begins with the role {role!r}")


@each(streams, MUST, CHUNKS + " (index)")
def test_a_stream_has_every_choice_that_was_asked_for(stream: Stream) -> None:
    answer = answer_of(stream.exchange)
    count = wanted(answer) if answer else 0
    found = sorted(stream.deltas())
    expect(found == list(range(count)), f"the indexes are {found}, asked for {count} choices")


@each(streams, MUST, CHUNKS + " (finish_reason)")
def test_every_choice_of_a_stream_ends(stream: Stream) -> None:
    for index, pieces in stream.deltas().items():
        ends = [piece["finish_reason"] for piece in pieces if piece.get("finish_reason")]
        expect(ends, f"choice {index} has no finish_reason")


@each(streams, MUST, CHUNKS + "; observed: client suites (twice with tool_calls)")
def test_a_choice_ends_once(stream: Stream) -> None:
    for index, pieces in stream.deltas().items():
        ends = [piece["finish_reason"] for piece in pieces if piece.get("finish_reason")]
        twice = len(ends) > 1 and set(ends) != {"tool_calls"}
        expect(not twice, f"choice {index} ends for {ends}")


@each(streams, SHOULD, CHUNKS + "; observed: client suites (twice with tool_calls)")
def test_a_choice_ends_once_for_its_calls(stream: Stream) -> None:
    for index, pieces in stream.deltas().items():
        ends = [piece["finish_reason"] for piece in pieces if piece.get("finish_reason")]
        expect(len(ends) <= 1, f"choice {index} ends for {ends}")


def adds(piece: Json) -> bool:
    """Whether a piece brings text, reasoning or a part of a call."""
    new = delta(piece)
    return bool(said(piece) or new.get("reasoning_content") or new.get("tool_calls"))


@each(streams, MUST, CHUNKS)
def test_nothing_comes_after_the_end_of_a_choice(stream: Stream) -> None:
    for index, pieces in stream.deltas().items():
        ended = False
        for piece in pieces:
            expect(not (ended and adds(piece)), f"choice {index} goes on after its end: {piece}")
            ended = ended or bool(piece.get("finish_reason"))


@each(streams, MUST, CHUNKS)
def test_every_piece_brings_only_what_is_new(stream: Stream) -> None:
    for index, pieces in stream.deltas().items():
        texts = [said(piece) for piece in pieces if said(piece)]
        whole, repeated = "", 0
        for text in texts:
            repeated += bool(whole) and text.startswith(whole)
            whole += text
        # Two pieces may be alike by chance: "ha" and "ha".
        expect(repeated < 3 or repeated < len(texts) - 1,
               f"each piece of choice {index} begins with all before it: {texts[:4]}")  # fmt: skip


# Usage


def asks_usage(stream: Stream) -> bool:
    options = stream.exchange.asked.json.get("stream_options") or {}
    return options.get("include_usage") is True


@each(streams, MUST, USAGE)
def test_usage_comes_where_it_is_asked_for(stream: Stream) -> None:
    expect(stream.usages or not asks_usage(stream), "no usage in any chunk")


@each(streams, SHOULD, USAGE)
def test_usage_comes_only_where_it_is_asked_for(stream: Stream) -> None:
    expect(asks_usage(stream) or not stream.usages, f"usage unasked: {stream.usages[:1]}")


@each(streams, SHOULD, USAGE)
def test_usage_has_a_chunk_of_its_own_at_the_end(stream: Stream) -> None:
    if not asks_usage(stream):
        raise Unreadable("not asked for")
    places = [at for at, _ in stream.usages]
    last = len(stream.chunks) - 1
    alone = places == [last] and stream.chunks[last].get("choices") == []
    expect(alone, f"usage in {len(places)} of {last + 1} chunks, at {places[:4]}")


@each(streams, SHOULD, USAGE)
def test_the_other_chunks_say_that_their_usage_is_null(stream: Stream) -> None:
    if not asks_usage(stream) or not stream.usages:
        raise Unreadable("no usage")
    missing = [at for at, chunk in enumerate(stream.chunks) if "usage" not in chunk]
    expect(not missing, f"{len(missing)} chunks have no member usage")


@each(streams, MUST, USAGE)
def test_no_text_comes_after_the_last_usage(stream: Stream) -> None:
    if not stream.usages:
        raise Unreadable("no usage")
    last = stream.usages[-1][0]
    later = [piece for at, piece in stream.pieces if at > last and adds(piece)]
    expect(not later, f"after it came {later[:1]}")


@each(streams, MUST, USAGE)
def test_usage_never_shrinks(stream: Stream) -> None:
    for name in ("prompt_tokens", "completion_tokens"):
        counts = [usage[name] for _, usage in stream.usages if isinstance(usage.get(name), int)]
        expect(counts == sorted(counts), f"{name} goes {counts}")


@each(streams, MUST, CHUNKS)
def test_a_chunk_without_a_choice_brings_usage(stream: Stream) -> None:
    for at, chunk in enumerate(stream.chunks):
        empty = shaped(chunk.get("choices"), list) == []
        expect(not empty or chunk.get("usage") is not None, f"chunk {at} brings nothing: {chunk}")


# A stream and the whole answer


def same(api: Api, one: str, two: str) -> tuple[Answer, Answer]:
    """Two answers that should differ in delivery only; raises Skipped if they may differ more."""
    api.deterministic(one if one.endswith(".base") else "text.base")
    return api.answer(one), api.answer(two)


def _compare(api: Api, view: str) -> None:
    judged = 0
    for one, two in PAIRS:
        try:
            whole, streamed = same(api, one, two)
        except (Skipped, Unreadable):
            continue
        judged += 1
        found = [[getattr(choice, view) for choice in a.choices] for a in (whole, streamed)]
        expect(found[0] == found[1], f"whole: {found[0]}, streamed: {found[1]}",
               whole.exchange, streamed.exchange)  # fmt: skip
    if not judged:
        raise Skipped("equal requests have different answers on this target")


@check(MUST, CHUNKS)
def test_the_pieces_joined_are_the_whole_text(api: Api) -> None:
    _compare(api, "text")


@check(MUST, CHUNKS)
def test_a_stream_ends_for_the_reason_of_the_whole_answer(api: Api) -> None:
    _compare(api, "finish")


@check(SHOULD, USAGE)
def test_a_stream_has_the_usage_of_the_whole_answer(api: Api) -> None:
    for one, two in (("chat.base", "chat.stream.usage"), ("text.base", "logprobs.text.stream")):
        whole, streamed = same(api, one, two)
        counts = [[a.count(n) for n in ("prompt_tokens", "completion_tokens")]
                  for a in (whole, streamed)]  # fmt: skip
        expect(counts[0] == counts[1], f"whole: {counts[0]}, streamed: {counts[1]}",
               whole.exchange, streamed.exchange)  # fmt: skip


@check(MUST, USAGE)
def test_a_cut_stream_counts_every_token_of_its_limit(api: Api) -> None:
    answer = api.answer("chat.stream.usage")
    reason, limit = answer.choices[0].finish, answer.body["max_tokens"]
    if reason != "length":
        raise Skipped(f"the stream ended for {reason}")
    spent = answer.count("completion_tokens")
    expect(spent == limit, f"{spent} tokens, cut at {limit}", answer.exchange)
