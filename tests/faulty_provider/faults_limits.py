"""Faults in keeping limits: max_tokens, stop texts, lists of prompts, log probabilities."""

from __future__ import annotations

from typing import Any

from .completion import find_stop, trimmed
from .edits import (
    CHOICE,
    Change,
    Path,
    answer,
    drop,
    each_body,
    each_choice,
    prompt_count,
    salted,
    should,
    to,
)
from .probes import (
    AFTER,
    CHAT,
    CROSSING,
    LOGPROBS,
    SAID,
    TWICE,
    N,
    chat,
    text,
)
from .values import Body, Choice, Completion, Fault, Hooks, Request


def _swap_finish(choice: Choice, body: Body) -> None:
    choice.finish = {"length": "stop"}.get(choice.finish, choice.finish)


def _limit(change: Any) -> Hooks:
    def hook(body: Body, request: Request) -> None:
        if body.get("max_tokens") is not None:
            body["max_tokens"] = change(int(body["max_tokens"]), body)

    return each_body(hook)


LIMITS = {
    "limit-ignored": Fault("1.5", "max_tokens has no effect", CHAT, _limit(lambda *_: None)),
    "limit-one-more": Fault("1.5", "one token more than max_tokens", CHAT,
                            _limit(lambda most, body: most + 1)),
    "limit-one-less": Fault("1.5", "one token less than max_tokens", CHAT,
                            _limit(lambda most, body: max(most - 1, 0))),
    "limit-halved": Fault("1.5", "half of max_tokens, reason length", CHAT,
                          _limit(lambda most, body: most // 2)),
    "limit-shared-by-choices": Fault("1.5", "the choices share one limit", N,
                                     _limit(lambda most, body: most // (body.get("n") or 1))),
    "limit-reason-stop": Fault("1.5", "a cut answer says stop", CHAT, each_choice(_swap_finish)),
    "limit-changes-text": Fault("1.5", "another limit, another text", (*CHAT, chat(max_tokens=6)),
                                salted(lambda body, request: body.get("max_tokens"))),
    "limit-one-refused-on-completions": Fault(
        "1.5", "completions answer one token at least twice", (text(max_tokens=1),),
        _limit(lambda most, body: max(most, 2) if "prompt" in body else most)),
}  # fmt: skip


def _without_stop(choice: Choice, body: Body) -> None:
    given = body.get("stop") or []
    for stop in [given] if isinstance(given, str) else given:
        if stop and choice.finish == "stop" and choice.text.endswith(stop):
            choice.tokens = trimmed(choice.tokens, len(choice.text) - len(stop))


def _stop_length(choice: Choice, body: Body) -> None:
    choice.finish = "length" if body.get("stop") and choice.finish == "stop" else choice.finish


def _at_borders(tokens: list[str], stops: list[str]) -> int | None:
    hits = [at for at, token in enumerate(tokens) if token.strip() in [s.strip() for s in stops]]
    return len("".join(tokens[: hits[0] + 1])) if hits else None


def _runs_on(tokens: list[str], stops: list[str]) -> int | None:
    end = find_stop(tokens, stops)
    return None if end is None else end + 7


def _last_hit(tokens: list[str], stops: list[str]) -> int | None:
    words = "".join(tokens)
    return max((words.rfind(s) + len(s) for s in stops if s and s in words), default=None)


def _any_case(tokens: list[str], stops: list[str]) -> int | None:
    return find_stop([token.lower() for token in tokens], [stop.lower() for stop in stops])


def _stops(change: Any) -> Hooks:
    return each_body(lambda body, request: body.update(stop=change(body.get("stop"))))


def _only(kind: type) -> Any:
    return lambda stop: stop if isinstance(stop, kind) else None


def _wide(choose: Any) -> Hooks:
    return Hooks(find_stop=lambda tokens, stops: find_stop(tokens, choose(stops)))


_FOREIGN_STOP = next(word for word in SAID.text.split() if not word.isascii()).strip(".")
_CASED = SAID.tokens[3].swapcase()
STOPS = {
    "stop-ignored": Fault("1.6", "stop has no effect", (chat(stop=AFTER),), _stops(to(None))),
    "stop-removed": Fault("1.6", "the stop text is not in the answer", (chat(stop=AFTER),),
                          each_choice(_without_stop)),
    "stop-only-first": Fault("1.6", "only the first stop text works",
                             (chat(stop=["never!", AFTER]),), _wide(lambda stops: stops[:1])),
    "stop-only-last": Fault("1.6", "only the last stop text works",
                            (chat(stop=[AFTER, "never!"]),), _wide(lambda stops: stops[-1:])),
    "stop-array-ignored": Fault("1.6", "a stop array has no effect", (chat(stop=[AFTER]),),
                                _stops(_only(str))),
    "stop-string-ignored": Fault("1.6", "a stop string has no effect", (chat(stop=AFTER),),
                                 _stops(_only(list))),
    "stop-at-token-borders": Fault("1.6", "a stop text inside or across tokens is missed",
                                   (chat(stop=CROSSING),), Hooks(find_stop=_at_borders)),
    "stop-ascii-only": Fault("1.6", "a stop text beyond ASCII is missed",
                             (chat(stop=_FOREIGN_STOP),),
                             _wide(lambda stops: [stop for stop in stops if stop.isascii()])),
    "stop-runs-on": Fault("1.6", "words follow the stop text", (chat(stop=AFTER),),
                          Hooks(find_stop=_runs_on)),
    "stop-last-hit": Fault("1.6", "the text ends at the last hit, not the first",
                           (chat(stop=TWICE, max_tokens=200),), Hooks(find_stop=_last_hit)),
    "stop-any-case": Fault("1.6", "letters of another case stop too", (chat(stop=_CASED),),
                           Hooks(find_stop=_any_case)),
    "stop-reason-length": Fault("1.6", "after a hit the reason is length", (chat(stop=AFTER),),
                                each_choice(_stop_length)),
    "stop-changes-text": Fault("1.6", "a stop text that never comes changes the answer",
                               (chat(stop="never!"),),
                               salted(lambda body, request: bool(body.get("stop")) or None)),
    "stop-empty-array-cuts": Fault(
        "1.6", "an empty stop array gives an empty answer", (chat(stop=[]),),
        each_body(lambda body, request: body.update(max_tokens=0)
                  if body.get("stop") == [] else None)),
    "stop-ignored-on-completions": Fault(
        "1.6", "completions ignore stop", (text(stop="e"),),
        each_body(lambda body, request: body.pop("stop", None) if "prompt" in body else None)),
}  # fmt: skip


def _prompts(change: Any) -> Hooks:
    def hook(body: Body, request: Request) -> None:
        prompt = body.get("prompt")
        if isinstance(prompt, list) and prompt and isinstance(prompt[0], str):
            body["prompt"] = change(prompt)

    return each_body(hook)


def _first_prompt_usage(held: dict[str, Any], made: Completion, body: Body) -> int:
    prompts = body.get("prompt")
    count = len(prompts) if isinstance(prompts, list) and isinstance(prompts[0], str) else 1
    return int(held["prompt_tokens"]) // count


_TWO = (text(prompt=["Once upon a time", "A long list of words that differ"]),)
PROMPTS = {
    "prompts-first-only": Fault("1.19", "only the first prompt is answered", _TWO,
                                _prompts(lambda prompts: prompts[:1])),
    "prompts-joined": Fault("1.19", "the prompts are answered as one", _TWO, _prompts(" ".join)),
    "prompts-reversed": Fault("1.19", "the answers come in the order reversed", _TWO,
                              _prompts(lambda prompts: prompts[::-1])),
    "prompts-times-n-missing": Fault(
        "1.19", "with several prompts n is ignored", (text(prompt=["Once", "Twice"], n=2),),
        each_body(lambda body, request: body.update(n=1)
                  if isinstance(body.get("prompt"), list) else None)),
    "prompts-usage-of-one": Fault("1.19", "one prompt is counted of several", _TWO,
                                  prompt_count(_first_prompt_usage)),
}  # fmt: skip

CONTENT: Path = (*CHOICE, "logprobs", "content")
ITEM: Path = (*CONTENT, "*")
BEST: Path = (*ITEM, "top_logprobs")


def _odds(about: str, path: Path, change: Change) -> Fault:
    def unless_null(held: Any) -> Any:
        return held if held is None else change(held)

    return Fault("1.11", about, LOGPROBS, answer(path, unless_null, "chat"))


def _spoilt(key: str, value: Any) -> Change:
    return lambda items: [{**item, key: value} for item in items]


_TEXT_ODDS = (text(logprobs=2),)
_TEXT_LOGPROBS: Path = (*CHOICE, "logprobs")
LOG_PROBABILITIES = {
    "logprob-positive": _odds("a log probability above 0", (*ITEM, "logprob"), lambda held: -held),
    "logprob-text": _odds("a log probability is text", (*ITEM, "logprob"), str),
    "logprobs-first-lost": _odds("the first token is missing", CONTENT, lambda held: held[1:]),
    "logprobs-stripped": _odds("the tokens have lost their blanks", (*ITEM, "token"), str.strip),
    "logprobs-one-short": _odds("one alternative too few", BEST, lambda held: held[:-1]),
    "logprobs-unsorted": _odds("the alternatives are not sorted", BEST,
                               lambda held: held[::-1]),
    "logprobs-repeated": _odds("an alternative comes twice", BEST,
                               lambda held: [held[0], *held[:-1]] if held else held),
    "logprobs-sum-above-one": _odds("the chances sum up to more than 1", BEST,
                                    _spoilt("logprob", -0.1)),
    "logprobs-bytes-wrong": _odds("the bytes spell another token", (*ITEM, "bytes"),
                                  lambda held: [one ^ 1 for one in held]),
    "logprobs-lack-bytes-of-all": _odds("the bytes are empty", (*ITEM, "bytes"), to([])),
    "logprobs-lack-token": _odds("an item has no token", (*ITEM, "token"), drop),
    "logprobs-bare-list": _odds("logprobs is a list", (*CHOICE, "logprobs"),
                                lambda held: held["content"]),
    "logprobs-missing": should(_odds("asked for, but null", (*CHOICE, "logprobs"), to(None))),
    "completion-logprobs-positive": Fault(
        "1.11", "a log probability above 0", _TEXT_ODDS,
        answer((*_TEXT_LOGPROBS, "token_logprobs", "*"), lambda held: -held, "text")),
    "completion-logprobs-lengths": Fault(
        "1.11", "fewer values than tokens", _TEXT_ODDS,
        answer((*_TEXT_LOGPROBS, "token_logprobs"), lambda held: (held or [])[:-1], "text")),
    "completion-logprobs-offsets": Fault(
        "1.11", "every offset is 0", _TEXT_ODDS,
        answer((*_TEXT_LOGPROBS, "text_offset", "*"), to(0), "text")),
    "completion-logprobs-not-joining": Fault(
        "1.11", "the tokens have lost their blanks", _TEXT_ODDS,
        answer((*_TEXT_LOGPROBS, "tokens", "*"), str.strip, "text")),
}  # fmt: skip

LIMIT_FAULTS = LIMITS | STOPS | PROMPTS | LOG_PROBABILITIES
