"""The corridor: six rooms in order, and one place where a refusal is put into words.

To see all that can happen to a request, read `Corridor.answer` from top to bottom.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from novita_mock._accounts.wallet import Wallet
from novita_mock._api.description import Book
from novita_mock._api.validation import Reader
from novita_mock._core.errors import FAULT_HEADER, Refused, wished
from novita_mock._core.http import Reply, Request
from novita_mock._core.redaction import sent_key
from novita_mock._core.timing import Pace
from novita_mock._engine.authentication import Caller, Policy, admit
from novita_mock._engine.generation import compose
from novita_mock._engine.planning import Stage
from novita_mock._engine.routing import Located, Routes, locate
from novita_mock._journal.call import About, Bill, Call
from novita_mock._journal.ledger import Ledger
from novita_mock._render.encoder import Encoder
from novita_mock._render.errors import dumps, json_reply, refuse
from novita_mock._render.models import Catalogue
from novita_mock._stubs.script import Script

BALANCE = "billing.balance"

if TYPE_CHECKING:
    from novita_mock._faults.replies import Breaker


class Corridor:
    """The rooms, furnished for one edition. All that needs no request is done here."""

    def __init__(self, book: Book, policy: Policy, seed: int, pace: Pace, any_model: bool) -> None:
        self._errors = book.errors
        self._policy = policy
        self._seed = seed
        self._most_tokens = book.limits["tokens"]
        self._routes = Routes(book)
        self._stage = Stage(book, policy.edition, pace, any_model=any_model)
        self._catalogue = Catalogue(book)
        written = [operation for operation in book.operations.values() if operation.request]
        self._readers = {operation.name: Reader(book, operation) for operation in written}
        self._encoders = {operation.name: Encoder(book, operation) for operation in written}
        self._book = book

    @cached_property
    def _breaker(self) -> Breaker:
        # Most servers are never asked for a fault, and start sooner without all of them.
        from novita_mock._faults.replies import Breaker

        return Breaker(self._book, self._policy.edition)

    def answer(self, request: Request, script: Script, ledger: Ledger) -> Call:
        """The call, with its reply: every request gets one."""
        about = About(headers=request.headers)
        try:
            located = locate(self._routes, request.method, request.path)
            operation, about.model = located.operation, located.model
            about.operation = operation.name
            if FAULT_HEADER in request.headers:
                about.fault = self._breaker.asked(request.headers[FAULT_HEADER])
            caller = admit(self._policy, operation, request)
            if operation.request is None:
                reply = self._told(located, caller, ledger.wallet)
            else:
                reader = self._readers[operation.name]
                body = reader.read(request.body)
                about.valid, about.known, about.model = True, reader.known, body["model"]
                about.stream = bool(body.get("stream"))
                row = self._stage.row(body["model"], caller.error)
                ledger.enter(caller.account, row["id"])
                scene = self._stage.scene(operation, row, body, script, about)
                id = ledger.draw_id(scene.id_prefix or operation.id_prefix)
                made = id, ledger.created()
                completion = compose(scene, self._seed, self._most_tokens, *made)
                prompt, about.tokens = completion.prompt_tokens, completion.completion_tokens
                about.bill = Bill(caller.account, row, prompt, about.tokens)
                ledger.use(about.bill)
                reply = self._encoders[operation.name].encode(completion, scene)
            if about.fault and (misplaced := self._breaker.misplaced(about.fault, reply)):
                about.fault = None
                raise misplaced
        except Refused as refusal:
            own = self._stage.own_error(about.model, refusal.name)
            reply = refuse(self._errors, self._policy.edition, refusal, sent_key(request), own)
        if about.fault is not None:
            reply = self._breaker.broken(about.fault, reply)
        return ledger.record(request, reply, about)

    def _told(self, located: Located, caller: Caller, wallet: Wallet) -> Reply:
        """The reply to a request without a body."""
        if located.model is not None:
            return self._catalogue.row(self._stage.row(located.model, caller.error))
        if caller.error is not None:
            raise wished(caller.error)
        if located.operation.name == BALANCE:
            return json_reply(200, dumps(wallet.detail(caller.account)))
        return self._catalogue.list
