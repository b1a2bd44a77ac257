"""The corridor: six rooms in order, and one place where a refusal is put into words.

To see all that can happen to a request, read `Corridor.answer` from top to bottom.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from novita_mock._accounts.wallet import Wallet
from novita_mock._api.description import Description
from novita_mock._api.validation import Reader
from novita_mock._core.errors import FAULT_HEADER, Refused, wished
from novita_mock._core.http import Reply, Request
from novita_mock._core.redaction import sent_key
from novita_mock._core.timing import Pace
from novita_mock._engine.authentication import Caller, Policy, authenticate
from novita_mock._engine.generation import generate
from novita_mock._engine.planning import Planner
from novita_mock._engine.routing import Located, Routes, route
from novita_mock._journal.call import Bill, Call, CallMetadata
from novita_mock._journal.ledger import Ledger
from novita_mock._render.encoder import Encoder
from novita_mock._render.errors import dumps, json_reply, refuse
from novita_mock._render.models import ModelReplies
from novita_mock._stubs.script import Script

BALANCE = "billing.balance"

if TYPE_CHECKING:
    from novita_mock._faults.replies import FaultInjector


class Pipeline:
    """The rooms, furnished for one edition. All that needs no request is done here."""

    def __init__(
        self, description: Description, policy: Policy, seed: int, pace: Pace, any_model: bool
    ) -> None:
        self._errors = description.errors
        self._policy = policy
        self._seed = seed
        self._most_tokens = description.limits["tokens"]
        self._routes = Routes(description)
        self._stage = Planner(description, policy.edition, pace, any_model=any_model)
        self._catalogue = ModelReplies(description)
        written = [operation for operation in description.operations.values() if operation.request]
        self._readers = {operation.name: Reader(description, operation) for operation in written}
        self._encoders = {operation.name: Encoder(description, operation) for operation in written}
        self._description = description

    @cached_property
    def _breaker(self) -> FaultInjector:
        # Most servers are never asked for a fault, and start sooner without all of them.
        from novita_mock._faults.replies import FaultInjector

        return FaultInjector(self._description, self._policy.edition)

    def answer(self, request: Request, script: Script, ledger: Ledger) -> Call:
        """The call, with its reply: every request gets one."""
        metadata = CallMetadata(headers=request.headers)
        try:
            located = route(self._routes, request.method, request.path)
            operation, metadata.model = located.operation, located.model
            metadata.operation = operation.name
            if FAULT_HEADER in request.headers:
                metadata.fault = self._breaker.asked(request.headers[FAULT_HEADER])
            caller = authenticate(self._policy, operation, request)
            if operation.request is None:
                reply = self._told(located, caller, ledger.wallet)
            else:
                reader = self._readers[operation.name]
                body = reader.read(request.body)
                metadata.valid, metadata.known, metadata.model = True, reader.known, body["model"]
                metadata.stream = bool(body.get("stream"))
                row = self._stage.row(body["model"], caller.error)
                ledger.enter(caller.account, row["id"])
                plan = self._stage.plan(operation, row, body, script, metadata)
                id = ledger.draw_id(plan.id_prefix or operation.id_prefix)
                made = id, ledger.created()
                completion = generate(plan, self._seed, self._most_tokens, *made)
                prompt, metadata.tokens = completion.prompt_tokens, completion.completion_tokens
                metadata.bill = Bill(caller.account, row, prompt, metadata.tokens)
                ledger.use(metadata.bill)
                reply = self._encoders[operation.name].encode(completion, plan)
            if metadata.fault and (misplaced := self._breaker.misplaced(metadata.fault, reply)):
                metadata.fault = None
                raise misplaced
        except Refused as refusal:
            own = self._stage.own_error(metadata.model, refusal.name)
            reply = refuse(self._errors, self._policy.edition, refusal, sent_key(request), own)
        if metadata.fault is not None:
            reply = self._breaker.broken(metadata.fault, reply)
        return ledger.record(request, reply, metadata)

    def _told(self, located: Located, caller: Caller, wallet: Wallet) -> Reply:
        """The reply to a request without a body."""
        if located.model is not None:
            return self._catalogue.row(self._stage.row(located.model, caller.error))
        if caller.error is not None:
            raise wished(caller.error)
        if located.operation.name == BALANCE:
            return json_reply(200, dumps(wallet.detail(caller.account)))
        return self._catalogue.list
