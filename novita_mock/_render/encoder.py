"""Sixth stage: a completion becomes a `Reply`, with all its bytes.

What the chunks of an answer share is rendered once; only the token is new in each chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, islice, zip_longest

from novita_mock._api.description import Description, Operation
from novita_mock._api.dialects import PLAIN, WireProfile
from novita_mock._core.completion import Choice, Completion
from novita_mock._core.http import Json, LazyChunks, Reply, TimedBytes, value
from novita_mock._core.sse import DATA, DONE, END, EVENTS
from novita_mock._core.timing import Pace
from novita_mock._render import dialects as rendering
from novita_mock._render.delivery import Delivery
from novita_mock._render.errors import dumps, json_reply
from novita_mock._render.shape import Shape


@value
class _ChoiceFrames:
    """The frames of one choice. A frame of its text is a token between the same bytes."""

    opening: list[bytes]
    before: bytes
    tokens: list[str]
    behind: bytes
    closing: list[bytes]

    def frames(self) -> Iterator[bytes]:
        """All frames in order."""
        yield from self.opening
        for token in self.tokens:
            yield self.before + dumps(token) + self.behind
        yield from self.closing

    def play(self, id: str, pace: Pace) -> tuple[TimedBytes, ...] | LazyChunks:
        """All frames as timed bytes."""
        if not pace.gap:
            return (TimedBytes(self._joined(), next(pace.pauses(id))),)
        count = len(self.opening) + len(self.tokens) + len(self.closing)
        return LazyChunks(
            count, self._size(), lambda: map(TimedBytes, self.frames(), pace.pauses(id))
        )

    def _joined(self) -> bytes:
        if not self.tokens:
            return b"".join(self.opening + self.closing)
        between = self.behind + self.before
        quoted = dumps(self.tokens)[2:-2]
        if b'\\"' in quoted:
            texts = between.join(map(dumps, self.tokens))
        else:
            # Every quote here is a token's first or last byte, and the first one ends a token.
            texts = b'"' + quoted.replace(b'","', b'"' + between + b'"') + b'"'
        return b"".join([*self.opening, self.before, texts, self.behind, *self.closing])

    def _size(self) -> int:
        text = len(dumps(self.tokens)) - len(b"[]") - max(0, len(self.tokens) - 1)
        shared = len(self.tokens) * (len(self.before) + len(self.behind))
        return sum(map(len, self.opening)) + shared + text + sum(map(len, self.closing))


class Encoder:
    """Renders the answers of one operation."""

    def __init__(self, description: Description, operation: Operation, shape: Shape) -> None:
        self._shape = shape
        self._object = _constant(description, operation.response)
        self._chunk_object = _constant(description, operation.chunk)

    def encode(self, completion: Completion, delivery: Delivery) -> Reply:
        """The reply: one JSON body, or the events of a stream."""
        plain, recorded = delivery.profile is PLAIN, delivery.recorded
        if not delivery.stream and recorded is not None:
            pause = _whole_pause(completion, delivery.pace)
            return json_reply(200, recorded, pause)
        if not delivery.stream:
            body = self._whole(completion)
            rendered = body if plain else rendering.whole(body, delivery.profile)
            return json_reply(200, dumps(rendered), _whole_pause(completion, delivery.pace))
        usage = _usage(completion) if delivery.include_usage else None
        if plain and len(completion.choices) == 1:
            (only,), end = self._choices(completion, usage)
            only.closing.extend([*end, DONE])
            return Reply(200, EVENTS, only.play(completion.id, delivery.pace))
        frames = (
            self._frames(completion, usage)
            if plain
            else self._in_dialect(completion, usage, delivery.profile)
        )
        return Reply(200, EVENTS, _play([*frames, DONE], completion.id, delivery.pace))

    def _whole(self, completion: Completion) -> Json:
        return {
            "id": completion.id,
            "object": self._object,
            "created": completion.created,
            "model": completion.model,
            "choices": [self._shape.whole(choice) for choice in completion.choices],
            "usage": _usage(completion),
        }

    def _in_dialect(
        self, completion: Completion, usage: Json | None, profile: WireProfile
    ) -> list[bytes]:
        """The frames of a stream in the dialect of its model."""
        rows = zip_longest(*map(self._pieces, completion.choices))
        head = {
            "id": completion.id,
            "object": self._chunk_object,
            "created": completion.created,
            "model": completion.model,
        }
        plain = [{**head, "choices": [piece]} for row in rows for piece in row if piece is not None]
        return [DATA + dumps(chunk) + END for chunk in rendering.chunks(plain, usage, profile)]

    def _pieces(self, choice: Choice) -> Iterator[Json]:
        """The pieces of one choice, in order."""
        shape, tokens, found = self._shape, choice.content or [], choice.alternatives
        yield from shape.opening(choice)
        at = 0
        for index, token in enumerate(tokens):
            piece = shape.piece(choice, token)
            if found is not None:
                piece["logprobs"] = shape.logprobs(found[index : index + 1], at)
            yield piece
            at += len(token)
        yield from shape.closing(choice)

    def _frames(self, completion: Completion, usage: Json | None) -> list[bytes]:
        """The frames of a stream without `[DONE]`; with `usage` unless it is None."""
        choices, end = self._choices(completion, usage)
        rows = zip_longest(*(choice.frames() for choice in choices))
        return [frame for row in rows for frame in row if frame is not None] + end

    def _choices(
        self, completion: Completion, usage: Json | None
    ) -> tuple[list[_ChoiceFrames], list[bytes]]:
        """The frames of each choice, and the frames that follow all choices."""
        head = b'data: {"id":%b,"object":%b,"created":%d,"model":%b,"choices":[' % (
            dumps(completion.id),
            dumps(self._chunk_object),
            completion.created,
            dumps(completion.model),
        )
        tail = b"]}\n\n" if usage is None else b'],"usage":null}\n\n'
        found = [self._choice(choice, head, tail) for choice in completion.choices]
        end = [] if usage is None else [head + b'],"usage":%b}\n\n' % dumps(usage)]
        return found, end

    def _choice(self, choice: Choice, head: bytes, tail: bytes) -> _ChoiceFrames:
        """The frames of one choice."""
        shape, tokens, found = self._shape, choice.content or [], choice.alternatives
        before, behind = head + shape.before % choice.index, shape.behind
        opening = [head + dumps(piece) + tail for piece in shape.opening(choice)]
        closing = [head + dumps(piece) + tail for piece in shape.closing(choice)]
        if found is None:
            return _ChoiceFrames(opening, before, tokens, behind + b"}" + tail, closing)
        offsets = accumulate(map(len, tokens), initial=0)
        likely = [shape.logprobs([f], at) for f, at in zip(found, offsets, strict=False)]
        opening += [
            before + dumps(token) + behind + b',"logprobs":' + dumps(member) + b"}" + tail
            for token, member in zip(tokens, likely, strict=True)
        ]
        return _ChoiceFrames(opening, before, [], behind, closing)


def _constant(description: Description, schema: str | None) -> str:
    """The value of `object` in every answer with this schema."""
    return str(description.schema(str(schema))["properties"]["object"]["const"])


def _usage(completion: Completion) -> Json:
    if completion.usage is not None:
        return completion.usage
    usage: Json = {
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "total_tokens": completion.prompt_tokens + completion.completion_tokens,
    }
    if completion.reasoning_tokens:
        usage["completion_tokens_details"] = {"reasoning_tokens": completion.reasoning_tokens}
    return usage


def _whole_pause(completion: Completion, pace: Pace) -> float:
    """Seconds until the last token of the longest choice."""
    if not pace.gap:
        return next(pace.pauses(completion.id)) if pace.ttft else 0.0
    longest = max(map(_tokens, completion.choices))
    return sum(islice(pace.pauses(completion.id), max(1, longest)))


def _tokens(choice: Choice) -> int:
    called = sum(len(call.fragments) for call in choice.calls)
    return len(choice.content or ()) + len(choice.reasoning) + called


def _play(frames: list[bytes], id: str, pace: Pace) -> tuple[TimedBytes, ...]:
    """Frames as timed bytes; without a gap between tokens, all frames leave together."""
    pauses = pace.pauses(id)
    if not pace.gap:
        return (TimedBytes(b"".join(frames), next(pauses)),)
    return tuple(map(TimedBytes, frames, pauses))
