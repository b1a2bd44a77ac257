"""The request pipeline: six stages in order, and the one place that turns a refusal into a reply.

To see everything that can happen to a request, read `Pipeline.answer` from top to bottom.
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
from novita_mock._render.errors import dumps, json_reply, reason_of, refuse
from novita_mock._render.models import ModelReplies
from novita_mock._stubs.script import Script

BALANCE = "billing.balance"

if TYPE_CHECKING:
    from novita_mock._faults.replies import FaultInjector


class Pipeline:
    """The stages, prepared for one edition. All work that needs no request is done here, once."""

    def __init__(
        self, description: Description, policy: Policy, seed: int, pace: Pace, any_model: bool
    ) -> None:
        self._errors = description.errors
        self._policy = policy
        self._seed = seed
        self._most_tokens = description.limits["tokens"]
        self._routes = Routes(description)
        self._planner = Planner(description, policy.edition, pace, any_model=any_model)
        self._catalogue = ModelReplies(description)
        with_body = [row for row in description.operations.values() if row.request]
        self._readers = {row.name: Reader(description, row) for row in with_body}
        self._encoders = {row.name: Encoder(description, row) for row in with_body}
        self._description = description

    @cached_property
    def _injector(self) -> FaultInjector:
        # Deferred import: few servers need faults, and all start faster without them.
        from novita_mock._faults.replies import FaultInjector

        return FaultInjector(self._description, self._policy.edition)

    def answer(self, request: Request, script: Script, ledger: Ledger) -> Call:
        """The call with its reply; every request gets one."""
        metadata = CallMetadata(headers=request.headers)
        try:
            located = route(self._routes, request.method, request.path)
            operation, metadata.model = located.operation, located.model
            metadata.operation = operation.name
            if FAULT_HEADER in request.headers:
                metadata.fault = self._injector.asked(request.headers[FAULT_HEADER])
            caller = authenticate(self._policy, operation, request)
            if operation.request is None:
                reply = self._without_body(located, caller, ledger.wallet)
            else:
                reader = self._readers[operation.name]
                body = reader.read(request.body)
                metadata.valid, metadata.known, metadata.model = True, reader.known, body["model"]
                metadata.stream = bool(body.get("stream"))
                row = self._planner.row(body["model"], caller.error)
                ledger.enter(caller.account, row["id"])
                plan = self._planner.plan(operation, row, body, script, metadata)
                id = ledger.draw_id(plan.id_prefix or operation.id_prefix)
                created = ledger.created()
                completion = generate(plan, self._seed, self._most_tokens, id, created)
                prompt, metadata.tokens = completion.prompt_tokens, completion.completion_tokens
                metadata.bill = Bill(caller.account, row, prompt, metadata.tokens)
                ledger.use(metadata.bill)
                reply = self._encoders[operation.name].encode(completion, plan)
            if metadata.fault and (misplaced := self._injector.misplaced(metadata.fault, reply)):
                metadata.fault = None
                raise misplaced
        except Refused as refusal:
            own = self._planner.own_error(metadata.model, refusal.name)
            reply = refuse(self._errors, self._policy.edition, refusal, sent_key(request), own)
            metadata.reason = reason_of(self._errors, self._policy.edition, refusal, own)
        if metadata.fault is not None:
            reply = self._injector.broken(metadata.fault, reply)
        return ledger.record(request, reply, metadata)

    def _without_body(self, located: Located, caller: Caller, wallet: Wallet) -> Reply:
        """The reply of an operation without a request body."""
        if located.model is not None:
            return self._catalogue.row(self._planner.row(located.model, caller.error))
        if caller.error is not None:
            raise wished(caller.error)
        if located.operation.name == BALANCE:
            return json_reply(200, dumps(wallet.detail(caller.account)))
        return self._catalogue.list
