"""What can become of a check, and how a check says so."""

from __future__ import annotations

from ..wire.exchange import Exchange
from ..wire.views import Unreadable

MUST, SHOULD, NOTE = "must", "should", "note"
HELD, BROKEN, UNDECIDED = "held", "broken", "undecided"

# What comes of a reply that has not the documented shape: the laws of shape report it, and the
# other laws leave it alone. A law that is never judged is reported as such.
UNREADABLE = (
    Unreadable, AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError
)  # fmt: skip


class Broken(Exception):
    """A law is broken: what came, what is documented (or the law itself), and by which replies."""

    def __init__(self, came: str, documented: str = "", *exchanges: Exchange) -> None:
        super().__init__(came)
        self.came, self.documented, self.exchanges = came, documented, exchanges


class Undecided(Exception):
    """A law cannot be judged on this target, and why."""


def expect(holds: object, came: str, *exchanges: Exchange, documented: str = "") -> None:
    """Breaks the law unless `holds`."""
    if not holds:
        raise Broken(came, documented, *exchanges)
