"""A prepaid wallet for each key: calls are paid from it, and refused once it is empty.

Money is counted in whole numbers of the smallest part that a token can cost, so that no sum is
ever rounded. This module must not know the time, nor which calls there are: it is told the costs.
"""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation

from novita_mock._api.description import Description
from novita_mock._core.errors import Refused
from novita_mock._core.http import Json

Usd = Decimal | str | float
"""An amount in USD. A float counts as the decimal number that it prints."""

# Of its own: a caller's context may be coarser than the sums.
_EXACT = Context(prec=60)


class Wallet:
    """What each key has left to spend.

    balance_usd: what a key starts with, in USD; None: nothing is charged, nobody runs out.

    The API keeps one balance per account; the kit takes each key for an account of its own. No
    page tells what becomes of the last call. Here a call is answered while the balance is above
    zero, however much it costs then; what is missing is owed, and a top-up pays that first. The
    billing endpoint never shows a balance below zero, but shows the debt.

    Raises ValueError if the balance is no amount of money: see `top_up`.
    """

    def __init__(self, description: Description, balance_usd: Usd | None = None) -> None:
        table = description.accounts
        money = table["money"]
        self._most = Decimal(money["most_usd"])
        self._unit = int(money["tokens_per_price"])
        """Smallest parts in a unit of the billing endpoint, which is that of prices, too."""
        self._usd = self._unit * int(money["units_per_usd"])
        self._charged = frozenset[int](table["charged"]["statuses"])
        self._unlimited = balance_usd is None
        shown = table["no_wallet"]["usd"] if balance_usd is None else balance_usd
        self._start = self._parts("balance", shown)
        self._left: dict[str, int] = {}

    def check(self, key: str) -> None:
        """Raises Refused (`no_balance`) if `key` has nothing left."""
        if not self._unlimited and self._of(key) <= 0:
            raise Refused("no_balance")

    def charges(self, status: int) -> bool:
        """Whether a call that ended with `status` costs money (docs: billing guide): 200 does and
        so does 499, where the client closed the connection; no other."""
        return status in self._charged

    def charge(self, key: str, row: Json, prompt_tokens: int, completion_tokens: int) -> None:
        """Takes what a call costs from the wallet of `key`, by the prices of the model's `row`.

        Prices are in whole 1/10,000 USD per million tokens (docs: List models). One below zero,
        as live lists have shown, costs nothing.
        """
        if not self._unlimited:
            prompt = max(0, int(row["input_token_price_per_m"])) * prompt_tokens
            completion = max(0, int(row["output_token_price_per_m"])) * completion_tokens
            self._left[key] = self._of(key) - prompt - completion

    def top_up(self, key: str, usd: Usd) -> None:
        """Pays `usd` USD in for `key`; less than 10⁻¹⁰ USD does not count.

        Raises ValueError if that is no number, below zero, or too large; or if there is no wallet.
        """
        if self._unlimited:
            raise ValueError("nothing to top up: no balance was set, so nothing is charged")
        self._left[key] = self._of(key) + self._parts("top-up", usd)

    def left(self, key: str) -> Decimal:
        """What `key` has left, exactly, in USD; below zero if it owes."""
        return _EXACT.divide(Decimal(self._of(key)), Decimal(self._usd))

    def detail(self, key: str) -> Json:
        """The body of the billing balance endpoint for `key` (docs: User balance info).

        Texts that hold whole numbers of 1/10,000 USD: what there is, rounded down, and what is
        owed, rounded up. The kit gives no credit, and charges at once.
        """
        left = self._of(key)
        balance, owed = str(max(0, left) // self._unit), str(-(min(0, left) // self._unit))
        return {
            "availableBalance": balance,
            "cashBalance": balance,
            "creditLimit": "0",
            "pendingCharges": "0",
            "outstandingInvoices": owed,
        }

    def reset(self) -> None:
        """Every key has what it started with."""
        self._left.clear()

    def _of(self, key: str) -> int:
        return self._left.get(key, self._start)

    def _parts(self, name: str, usd: Usd) -> int:
        """`usd` in smallest parts."""
        try:
            amount = Decimal(str(usd))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not (amount.is_finite() and 0 <= amount <= self._most):
            raise ValueError(f"{name}: expected 0 to {self._most:,} USD; got {usd!r}")
        return int(_EXACT.to_integral_value(_EXACT.multiply(amount, Decimal(self._usd))))
