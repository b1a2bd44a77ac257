"""A prepaid wallet for each key: it pays for calls, and calls are refused once it is empty.

Money is counted in whole numbers of the smallest part that a token can cost, so no sum is ever
rounded. Must not know the time, nor which calls there are: it only gets their tokens and prices.
"""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation

from novita_mock._api.description import Description
from novita_mock._core.errors import Refused
from novita_mock._core.http import Json

Usd = Decimal | str | float
"""An amount in USD. A float counts as the decimal number that it prints as."""

# Our own context: the caller's may be too coarse for the sums.
_EXACT = Context(prec=60)


class Wallet:
    """What each key has left to spend.

    balance_usd: initial balance of each key, in USD; None: nothing is charged, no key runs out.

    The API keeps one balance per account; the mock treats each key as an account of its own. No
    docs page says what happens to the last call. Here, a call is answered while the balance is
    above zero, whatever it then costs. What is missing is owed, and a top-up pays it first. The
    billing endpoint never shows a balance below zero, but it shows the debt.

    Raises ValueError if the balance is not a valid amount: see `top_up`.
    """

    def __init__(self, description: Description, balance_usd: Usd | None = None) -> None:
        table = description.accounts
        money = table["money"]
        self._most = Decimal(money["most_usd"])
        self._unit = int(money["tokens_per_price"])
        """Smallest parts in a unit of the billing endpoint, which is also the unit of prices."""
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
        """Whether a call that ended with `status` costs money (docs: billing guide).

        Only 200 and 499 do; with 499, the client closed the connection.
        """
        return status in self._charged

    def charge(self, key: str, row: Json, prompt_tokens: int, completion_tokens: int) -> None:
        """Charges the wallet of `key` for a call, at the prices in the model's `row`.

        Prices are in whole 1/10,000 USD per million tokens (docs: List models). A negative price,
        as seen in live lists, counts as zero.
        """
        if not self._unlimited:
            prompt = max(0, int(row["input_token_price_per_m"])) * prompt_tokens
            completion = max(0, int(row["output_token_price_per_m"])) * completion_tokens
            self._left[key] = self._of(key) - prompt - completion

    def top_up(self, key: str, usd: Usd) -> None:
        """Adds `usd` USD to the balance of `key`; less than 10⁻¹⁰ USD does not count.

        Raises ValueError if `usd` is not a number, negative or too large, or if nothing is charged.
        """
        if self._unlimited:
            raise ValueError("nothing to top up: no balance was set, so nothing is charged")
        self._left[key] = self._of(key) + self._parts("top-up", usd)

    def left(self, key: str) -> Decimal:
        """What `key` has left in USD, exactly; negative if it owes."""
        return _EXACT.divide(Decimal(self._of(key)), Decimal(self._usd))

    def detail(self, key: str) -> Json:
        """The body of the billing balance endpoint for `key` (docs: User balance info).

        Amounts are texts with whole numbers of 1/10,000 USD: the balance is rounded down, the debt
        is rounded up. The mock gives no credit and charges at once.
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
        """Gives every key its initial balance again."""
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
