"""The outcomes of a check, and how a check reports them."""

from __future__ import annotations

from ..wire.exchange import Exchange
from ..wire.views import Unreadable

MUST, SHOULD, NOTE = "must", "should", "note"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

# Raised for a reply without the documented shape. The shape checks report it and the other checks
# pass over it; a check without any reply to judge is reported as skipped.
UNREADABLE = (
    Unreadable, AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError
)  # fmt: skip


class Failed(Exception):
    """A check fails: what came, what is documented (by default the check), and the exchanges."""

    def __init__(self, came: str, documented: str = "", *exchanges: Exchange) -> None:
        super().__init__(came)
        self.came, self.documented, self.exchanges = came, documented, exchanges


class Skipped(Exception):
    """A check cannot be judged on this target; the message says why."""


def expect(holds: object, came: str, *exchanges: Exchange, documented: str = "") -> None:
    """Fails the check unless `holds`."""
    if not holds:
        raise Failed(came, documented, *exchanges)
