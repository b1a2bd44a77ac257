"""What is told of calls and rules after the fact: in assertions, failures and reports.

Nothing here shows a key: headers come redacted, and a curl line names a variable instead.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from novita_mock._api.request_view import Facts
from novita_mock._journal.ledger import Call
from novita_mock._stubs.conditions import Condition
from novita_mock._stubs.criteria import When
from novita_mock._stubs.model import Answer, Rule
from novita_mock._stubs.near_miss import facts_of, seen

_SHOWN = 200


def facts(call: Call) -> Facts:
    """What a rule could look at in a recorded call."""
    return facts_of(call.about, call.request if call.about.valid else {})


def assert_called(calls: Sequence[Call], when: When, times: int | None) -> None:
    """Asserts that some call, or exactly `times` calls, fit `when`."""
    fitting = sum(when.differs(facts(call)) is None for call in calls)
    if fitting == times or (times is None and fitting):
        return
    wanted = "a call" if times is None else f"{times} call{'' if times == 1 else 's'}"
    asked = ", ".join(f"{k}={v!r}" for k, v in when.asked().items())
    came = "\n".join(f"  {line(call)}" for call in calls) or "  nothing"
    which = f" with {asked}" if asked else ""
    raise AssertionError(f"expected {wanted}{which}; {fitting} came in. All calls:\n{came}")


def line(call: Call) -> str:
    """A call in one line."""
    what = [f"{call.number}.", call.method, call.path]
    if call.model is not None:
        what.append(call.model)
    if call.stream:
        what.append("stream")
    text = call.redacted(facts(call).last_user)
    said = f" {_short(text)!r}" if text else ""
    return f"{' '.join(what)}{said} -> {outcome(call)}"


def outcome(call: Call) -> str:
    """Status of a call, and the reason of a refusal."""
    answer = call.answer
    reason = answer.get("reason") if isinstance(answer, dict) else None
    return f"{call.status} {reason}" if reason else str(call.status)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def curl(call: Call, origin: str = "https://api.novita.ai") -> str:
    """A command that sends the call's request again, its key left to the environment."""
    words = ["curl", shlex.quote(origin + call.path)]
    if call.method != "GET":
        words += ["-X", call.method]
    words += ["-H", '"Authorization: Bearer $NOVITA_API_KEY"']
    if call.body:
        words += ["-H", "'Content-Type: application/json'", "-d", shlex.quote(call.body)]
    return " ".join(words)


def spell(rule: Rule, name: str = "novita") -> str:
    """The Python words that script `rule`."""
    asked = {name: v for name, v in rule.when.asked().items() if not _is_implied(rule, name)}
    start = name
    if rule.fallback:
        start = f"{name}.default"
    elif asked:
        start = f"{name}.on({', '.join(f'{field}={v!r}' for field, v in asked.items())})"
    return start + "".join(map(_answer_words, rule.answers))


def _is_implied(rule: Rule, field: str) -> bool:
    """Whether a recorded reply says so itself."""
    return field == "operation" and rule.answer.recorded is not None


def _answer_words(answer: Answer) -> str:
    template = ", template=True" if answer.template else ""
    if answer.recorded is not None:
        return f".recorded({_short(answer.recorded.decode())})"
    if answer.refuse is not None:
        return f".refuse({answer.refuse!r}{template})"
    if answer.tool_calls:
        call = answer.tool_calls[0]
        return f".call_tool({call.name!r}, {call.arguments!r}{template})"
    return f".say({_short(answer.say or '')!r}{template})"


def suggestion(call: Call, name: str = "novita") -> str:
    """A rule, ready to paste, that would have taken `call`."""
    text = call.redacted(facts(call).last_user)
    when = When(operation=call.operation, model=call.model, last_user=text[:60] or None)
    return spell(Rule(Answer(say="..."), when), name)


def nearest(rule: Rule, calls: Iterable[Call]) -> str:
    """Why `rule` was never used: the call that came nearest, and where it differed."""
    best: tuple[int, str] | None = None
    for call in calls:
        found = facts(call)
        differing = rule.when.differing(found)
        score = -len(differing)
        if best is None or score > best[0]:
            best = (score, f"{line(call)}\n    {_difference(differing, found)}")
    return best[1] if best else "no call came in"


def _difference(differing: Sequence[Condition], found: Facts) -> str:
    if not differing:
        return "it fits, but an earlier rule took it"
    wrong = differing[0]
    return f"differs in {wrong.name}: wanted {wrong.wanted!r}, got {seen(wrong, found)}"
