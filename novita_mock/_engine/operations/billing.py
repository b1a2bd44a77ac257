"""What the caller's wallet holds."""

from __future__ import annotations

from novita_mock._api.description import Operation
from novita_mock._core.http import Reply
from novita_mock._engine.operations.implementation import Answer, Context, Implementation, Setup
from novita_mock._render.errors import dumps, json_reply


def _balance(_: Setup, __: Operation) -> Answer:
    def answer(context: Context) -> Reply:
        return json_reply(200, dumps(context.ledger.wallet.detail(context.caller.account)))

    return answer


BALANCE = Implementation("billing.balance", _balance)
