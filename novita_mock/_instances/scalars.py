"""Numbers and texts from facts. Retries are local and counted; the caller has the final word."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, isfinite

from novita_mock._instances.choices import Hint
from novita_mock._instances.constraints import Bound, Facts, common_step
from novita_mock._instances.formats import FORMATS
from novita_mock._instances.inner import Generator
from novita_mock._instances.patterns import matches
from novita_mock._instances.refusal import NoInstance

LONGEST_TEXT = 100_000
_TRIES = 40
_TEXTS = 12


def _whole_ends(facts: Facts, step: Fraction) -> tuple[int | None, int | None]:
    """Between which multiples of `step` the number lies."""
    low, high = facts.low, facts.high
    least = None if low is None else ceil(low.value / step)
    most = None if high is None else floor(high.value / step)
    if low is not None and low.exclusive and least is not None and least * step == low.value:
        least += 1
    if high is not None and high.exclusive and most is not None and most * step == high.value:
        most -= 1
    if least is not None and most is not None and least > most:
        keyword = "multipleOf" if facts.step else "exclusiveMinimum" if _open(facts) else "minimum"
        raise NoInstance(facts.pointer, keyword, "no number lies within the bounds")
    return least, most


def _open(facts: Facts) -> bool:
    return bool(facts.low and facts.low.exclusive)


def integer(generator: Generator, facts: Facts, hint: Hint) -> int:
    """An integer within the bounds, a multiple of the step."""
    step = common_step(facts.step, Fraction(1)) or Fraction(1)
    least, most = _whole_ends(facts, step)
    whole = int(step)
    # A name speaks of the number itself; where steps are counted it would mislead.
    return generator.choices.number(least, most, hint if whole == 1 else Hint()) * whole


def number(generator: Generator, facts: Facts, hint: Hint) -> float:
    """A number within the bounds, a multiple of the step."""
    if facts.step is not None:
        return _stepped(generator, facts, facts.step)
    low, high = _float(facts.low), _float(facts.high)
    if low is not None and high is not None and low > high:
        raise NoInstance(facts.pointer, "minimum", "no number lies within the bounds")
    for _ in range(_TRIES):
        drawn = generator.choices.fraction(low, high, hint)
        if isfinite(drawn) and _within(facts, Fraction(drawn)):
            return drawn
    if low is not None and high is not None:
        middle = float((Fraction(low) + Fraction(high)) / 2)
        if _within(facts, Fraction(middle)):
            return middle
    raise NoInstance(facts.pointer, "exclusiveMinimum", "no number was found within the bounds")


def _float(bound: Bound | None) -> float | None:
    if bound is None:
        return None
    return float(bound.value) if abs(bound.value) < Fraction(10) ** 308 else None


def _within(facts: Facts, value: Fraction) -> bool:
    low, high = facts.low, facts.high
    above = low is None or (value > low.value if low.exclusive else value >= low.value)
    below = high is None or (value < high.value if high.exclusive else value <= high.value)
    return above and below


def _stepped(generator: Generator, facts: Facts, step: Fraction) -> float:
    """A multiple that stays one when it is divided in floating point, as some validators do."""
    least, most = _whole_ends(facts, step)
    value = 0.0
    for _ in range(_TRIES):
        steps = generator.choices.number(least, most, Hint())
        exact = steps * step
        if exact.denominator == 1:
            return int(exact)
        value = float(Decimal(exact.numerator) / Decimal(exact.denominator))
        if (value / float(step)).is_integer():
            return value
    return value


def text(generator: Generator, facts: Facts, hint: Hint) -> str:
    """A text of the right length that fits every pattern and format."""
    low, high = facts.min_length, facts.max_length
    if high is not None and low > high:
        raise NoInstance(facts.pointer, "minLength", "is greater than maxLength")
    if low > LONGEST_TEXT:
        raise NoInstance(facts.pointer, "minLength", f"more than {LONGEST_TEXT} characters")
    formats = [name for name in facts.formats if name in FORMATS]
    if not facts.patterns and not formats:
        return generator.choices.text(low, high, hint)
    for attempt in range(_TEXTS):
        # A first text is a step like any other; searching on is what takes time.
        generator.step(1 if attempt == 0 else 50)
        for drawn in _candidates(generator, facts, formats, attempt):
            if _fits(generator, facts, drawn):
                return drawn
    keyword = "pattern" if facts.patterns else "format"
    raise NoInstance(facts.pointer, keyword, "no text was found that fits it and its companions")


def _candidates(generator: Generator, facts: Facts, formats: list[str], attempt: int) -> list[str]:
    """Texts made for one of the demands, in turn, and those for all patterns in a row."""
    demands = len(formats) + len(facts.patterns)
    turn = attempt % demands
    if turn < len(formats):
        return [FORMATS[formats[turn]](generator.choices)]
    found = [_matching(generator, facts, pattern) for pattern in facts.patterns]
    return [found[turn - len(formats)], *(["".join(found)] if len(found) > 1 else [])]


def _matching(generator: Generator, facts: Facts, pattern: str) -> str:
    try:
        return generator.choices.matching(pattern, facts.min_length, facts.max_length)
    except ValueError as error:
        raise NoInstance(facts.pointer, "pattern", str(error)) from None


def _fits(generator: Generator, facts: Facts, drawn: str) -> bool:
    high = facts.max_length
    return (
        facts.min_length <= len(drawn)
        and (high is None or len(drawn) <= high)
        and all(matches(pattern, drawn) for pattern in facts.patterns)
        and all(generator.formatted(name, drawn) for name in facts.formats)
    )
