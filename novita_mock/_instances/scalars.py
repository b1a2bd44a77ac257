"""Numbers and texts from constraints. Retries are local and counted; the caller validates."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, isfinite

from novita_mock._instances.choices import Hint
from novita_mock._instances.constraints import Bound, Constraints, common_step
from novita_mock._instances.formats import FORMATS
from novita_mock._instances.inner import Generator
from novita_mock._instances.patterns import matches
from novita_mock._instances.refusal import NoInstance

LONGEST_TEXT = 100_000
_TRIES = 40
_TEXTS = 12


def _whole_ends(constraints: Constraints, step: Fraction) -> tuple[int | None, int | None]:
    """The bounds as multiples of `step`, both inclusive."""
    low, high = constraints.low, constraints.high
    least = None if low is None else ceil(low.value / step)
    most = None if high is None else floor(high.value / step)
    if low is not None and low.exclusive and least is not None and least * step == low.value:
        least += 1
    if high is not None and high.exclusive and most is not None and most * step == high.value:
        most -= 1
    if least is not None and most is not None and least > most:
        keyword = (
            "multipleOf"
            if constraints.step
            else "exclusiveMinimum"
            if _open(constraints)
            else "minimum"
        )
        raise NoInstance(constraints.pointer, keyword, "no number lies within the bounds")
    return least, most


def _open(constraints: Constraints) -> bool:
    return bool(constraints.low and constraints.low.exclusive)


def integer(generator: Generator, constraints: Constraints, hint: Hint) -> int:
    """An integer within the bounds, a multiple of the step."""
    step = common_step(constraints.step, Fraction(1)) or Fraction(1)
    least, most = _whole_ends(constraints, step)
    whole = int(step)
    # A name describes the number itself; it would mislead where steps are counted.
    return generator.choices.number(least, most, hint if whole == 1 else Hint()) * whole


def number(generator: Generator, constraints: Constraints, hint: Hint) -> float:
    """A number within the bounds, a multiple of the step."""
    if constraints.step is not None:
        return _stepped(generator, constraints, constraints.step)
    low, high = _float(constraints.low), _float(constraints.high)
    if low is not None and high is not None and low > high:
        raise NoInstance(constraints.pointer, "minimum", "no number lies within the bounds")
    for _ in range(_TRIES):
        drawn = generator.choices.fraction(low, high, hint)
        if isfinite(drawn) and _within(constraints, Fraction(drawn)):
            return drawn
    if low is not None and high is not None:
        middle = float((Fraction(low) + Fraction(high)) / 2)
        if _within(constraints, Fraction(middle)):
            return middle
    raise NoInstance(
        constraints.pointer, "exclusiveMinimum", "no number was found within the bounds"
    )


def _float(bound: Bound | None) -> float | None:
    if bound is None:
        return None
    return float(bound.value) if abs(bound.value) < Fraction(10) ** 308 else None


def _within(constraints: Constraints, value: Fraction) -> bool:
    low, high = constraints.low, constraints.high
    above = low is None or (value > low.value if low.exclusive else value >= low.value)
    below = high is None or (value < high.value if high.exclusive else value <= high.value)
    return above and below


def _stepped(generator: Generator, constraints: Constraints, step: Fraction) -> float:
    """A multiple that is still one when divided in floating point, as some validators do it."""
    least, most = _whole_ends(constraints, step)
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


def text(generator: Generator, constraints: Constraints, hint: Hint) -> str:
    """A text of the right length that fits every pattern and format."""
    low, high = constraints.min_length, constraints.max_length
    if high is not None and low > high:
        raise NoInstance(constraints.pointer, "minLength", "is greater than maxLength")
    if low > LONGEST_TEXT:
        raise NoInstance(constraints.pointer, "minLength", f"more than {LONGEST_TEXT} characters")
    formats = [name for name in constraints.formats if name in FORMATS]
    if not constraints.patterns and not formats:
        return generator.choices.text(low, high, hint)
    for attempt in range(_TEXTS):
        # The first text counts as one step; searching for more takes time.
        generator.step(1 if attempt == 0 else 50)
        for drawn in _candidates(generator, constraints, formats, attempt):
            if _fits(generator, constraints, drawn):
                return drawn
    keyword = "pattern" if constraints.patterns else "format"
    raise NoInstance(
        constraints.pointer, keyword, "no text was found that fits it and its companions"
    )


def _candidates(
    generator: Generator, constraints: Constraints, formats: list[str], attempt: int
) -> list[str]:
    """Texts for one of the formats or patterns, in turn, and one for all patterns joined."""
    demands = len(formats) + len(constraints.patterns)
    turn = attempt % demands
    if turn < len(formats):
        return [FORMATS[formats[turn]](generator.choices)]
    found = [_matching(generator, constraints, pattern) for pattern in constraints.patterns]
    return [found[turn - len(formats)], *(["".join(found)] if len(found) > 1 else [])]


def _matching(generator: Generator, constraints: Constraints, pattern: str) -> str:
    try:
        return generator.choices.matching(pattern, constraints.min_length, constraints.max_length)
    except ValueError as error:
        raise NoInstance(constraints.pointer, "pattern", str(error)) from None


def _fits(generator: Generator, constraints: Constraints, drawn: str) -> bool:
    high = constraints.max_length
    return (
        constraints.min_length <= len(drawn)
        and (high is None or len(drawn) <= high)
        and all(matches(pattern, drawn) for pattern in constraints.patterns)
        and all(generator.formatted(name, drawn) for name in constraints.formats)
    )
