"""An independent provider of the documented API that can be made to break one promise at a time.

It shares no code and no description with the kit: the judge and the judged must not have the same
blind spots.
"""

from .app import Provider
from .faults import FAULTS, KINDS
from .values import Fault, Reply, Request, Variation
from .variations import VARIATIONS

__all__ = ["FAULTS", "KINDS", "VARIATIONS", "Fault", "Provider", "Reply", "Request", "Variation"]
