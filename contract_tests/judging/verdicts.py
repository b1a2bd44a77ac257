"""What can become of a check, and how a check says so."""

from __future__ import annotations

from ..wire.exchange import Exchange
from ..wire.views import Unreadable

MUST, SHOULD, NOTE = "must", "should", "note"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

# What comes of a reply that has not the documented shape: the checks of shape report it, and the
# other checks leave it alone. A check that is never judged is reported as such.
UNREADABLE = (
    Unreadable, AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError
)  # fmt: skip


class Failed(Exception):
    """A check fails: what came, what is documented (or the check itself), and by which replies."""

    def __init__(self, came: str, documented: str = "", *exchanges: Exchange) -> None:
        super().__init__(came)
        self.came, self.documented, self.exchanges = came, documented, exchanges


class Skipped(Exception):
    """A check cannot be judged on this target, and why."""


def expect(holds: object, came: str, *exchanges: Exchange, documented: str = "") -> None:
    """fails the check unless `holds`."""
    if not holds:
        raise Failed(came, documented, *exchanges)
