"""The operations: one module for each kind, and one table of them all."""

from __future__ import annotations

from novita_mock._engine.operations.billing import BALANCE
from novita_mock._engine.operations.chat import CHAT_COMPLETIONS
from novita_mock._engine.operations.completions import COMPLETIONS
from novita_mock._engine.operations.implementation import Implementation
from novita_mock._engine.operations.models import LIST, RETRIEVE

IMPLEMENTATIONS: tuple[Implementation, ...] = (
    CHAT_COMPLETIONS,
    COMPLETIONS,
    LIST,
    RETRIEVE,
    BALANCE,
)
"""Each operation of `schemas/operations.json`."""
