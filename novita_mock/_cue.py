"""Which rule of the script answers a request. Part of the stage; only scripted mocks come here."""

from __future__ import annotations

from novita_mock._book import Json
from novita_mock._ledger import About, Script
from novita_mock._prompt import content_text, last_text
from novita_mock._scenario import IMPROVISED, Answer, Facts
from novita_mock._values import Refused


def cue(script: Script, about: About, body: Json) -> Answer:
    """The answer of the rule that fits best; without one, an answer that leaves all open."""
    if not script.rules and not script.only:
        return IMPROVISED
    facts = facts_of(about, body)
    about.rule = script.take(facts)
    if about.rule is None:
        if script.only:
            about.missed = nearest(script, facts)
            raise Refused("unscripted", nearest=about.missed)
        return IMPROVISED
    answer = script.rules[about.rule].answer
    about.fault = about.fault or answer.fault
    if answer.refuse is not None:
        raise Refused(answer.refuse, message=answer.message)
    return answer


def facts_of(about: About, body: Json) -> Facts:
    """What a rule can look at in `body`."""
    messages: list[Json] = body.get("messages") or []
    prompt = body.get("prompt")
    prompts = prompt if isinstance(prompt, list) else [prompt]
    texts = [text for text in prompts if isinstance(text, str)]
    last_user = last_text(messages, "user") or "\n".join(texts)
    results = [content_text(m["content"]) for m in messages[-1:] if m["role"] == "tool"]
    return Facts(
        operation=str(about.operation),
        model=about.model,
        stream=about.stream,
        last_user=last_user,
        system=last_text(messages, "system"),
        turn=sum(message["role"] == "user" for message in messages) or 1,
        tool_result=results[0] if results else None,
    )


def nearest(script: Script, facts: Facts) -> str:
    """Why no rule fits: the nearest rule and the first field in which it differs."""
    best: tuple[int, str] | None = None
    for index, rule in enumerate(script.rules):
        asked = rule.when.asked()
        field = rule.when.differs(facts)
        if field is None:
            reason, score = f"was used {rule.times} times already", len(asked) + 1
        else:
            reason = f"wants {field}={asked[field]!r}; got {getattr(facts, field)!r}"
            score = list(asked).index(field)
        if best is None or score > best[0]:
            best = (score, f"rule {index + 1} {reason}")
    return best[1] if best else "there are no rules"
