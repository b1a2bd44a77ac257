"""The request pipeline: six stages in order, and the one place that turns a refusal into a reply.

To see everything that can happen to a request, read `Pipeline.answer` from top to bottom.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from novita_mock._api.description import Description, Operation
from novita_mock._api.forms import FormReader, QueryReader
from novita_mock._api.validation import Reader
from novita_mock._core.errors import FAULT_HEADER, Refused, wished
from novita_mock._core.http import Request
from novita_mock._core.redaction import sent_key
from novita_mock._core.timing import Pace
from novita_mock._engine.authentication import Policy, authenticate
from novita_mock._engine.operations import IMPLEMENTATIONS
from novita_mock._engine.operations.implementation import Answer, Context, Setup
from novita_mock._engine.planning import Planner
from novita_mock._engine.routing import Routes, route
from novita_mock._journal.call import Call, CallMetadata
from novita_mock._journal.ledger import Ledger
from novita_mock._render.errors import reason_of, refuse
from novita_mock._stubs.script import Script

if TYPE_CHECKING:
    from novita_mock._faults.replies import FaultInjector

FORM = "multipart"


class Pipeline:
    """The stages, prepared for one edition. All work that needs no request is done here, once."""

    def __init__(
        self, description: Description, policy: Policy, seed: int, pace: Pace, any_model: bool
    ) -> None:
        self._description = description
        self._errors = description.errors
        self._policy = policy
        self._routes = Routes(description)
        self._planner = Planner(description, policy.edition, pace, any_model=any_model)
        rows = description.operations.values()
        bodies = [row for row in rows if row.request]
        self._readers = {r.name: Reader(description, r) for r in bodies if r.body != FORM}
        self._forms = {r.name: FormReader(description, r) for r in bodies if r.body == FORM}
        self._queries = {r.name: QueryReader(description, r) for r in rows if r.query}
        setup = Setup(description, self._planner, seed)
        self._answers = {row.name: _prepared(row, setup) for row in rows}

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
            context = Context(located, caller, script, ledger, metadata)
            self._validate(operation, request, context)
            self._account(operation, context)
            reply = self._answers[operation.name](context)
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

    def _validate(self, operation: Operation, request: Request, context: Context) -> None:
        """Reads what the operation takes: a body or a form, a query."""
        name, metadata = operation.name, context.metadata
        if operation.query:
            context.query = self._queries[name].read(request.query)
        if not operation.request:
            return
        metadata.prompt = operation.prompt
        if operation.body == FORM:
            form = self._forms[name]
            context.body, context.uploads = form.read(request)
            metadata.known = form.known
        else:
            reader = self._readers[name]
            context.body = reader.read(request.body)
            metadata.known = reader.known
        metadata.valid = True
        metadata.model = context.body.get("model", metadata.model)
        metadata.stream = bool(context.body.get("stream"))

    def _account(self, operation: Operation, context: Context) -> None:
        """Finds the model, and counts the request where it is limited."""
        caller, model = context.caller, context.metadata.model
        if model is not None:
            context.row = self._planner.row(model, caller.error)
        elif caller.error is not None:
            raise wished(caller.error)
        if operation.endpoint and context.row is not None:
            context.ledger.enter(caller.account, context.row["id"])
        elif operation.limited:
            context.ledger.enter(caller.account, operation.name)


def _prepared(operation: Operation, setup: Setup) -> Answer:
    for implementation in IMPLEMENTATIONS:
        if implementation.name == operation.name:
            return implementation.prepare(setup, operation)
    where = "novita_mock/_engine/operations/__init__.py"
    raise LookupError(f"operations.json has {operation.name}, and {where} does not")
