"""The wallet: amounts are exact, credit runs out and is paid in, and each key has its own."""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novita_mock._accounts.wallet import Wallet
from novita_mock._core.errors import Refused
from tests.ask import DESCRIPTION, EDITIONS, KEY, MODEL

OTHER_KEY = "sk-another"
ROW = DESCRIPTION.models[MODEL]
FREE = {"input_token_price_per_m": 0, "output_token_price_per_m": 0}
MILLION = 1_000_000
TEXT_OF_A_NUMBER = re.compile(r"\d+")

counts = st.integers(0, 50_000_000)
prices = st.integers(0, 100_000)
rows = st.sampled_from(list(DESCRIPTION.models.values())) | st.fixed_dictionaries(
    {"input_token_price_per_m": prices, "output_token_price_per_m": prices}
)
amounts = st.decimals(0, 10**9, places=10)


def runs_out(wallet: Wallet, key: str = KEY) -> bool:
    """Whether a call of `key` is refused."""
    try:
        wallet.check(key)
    except Refused:
        return True
    return False


def usd(price: int, tokens: int) -> Decimal:
    """The cost of `tokens` at a price in 1/10,000 USD per million: the formula, independently."""
    return Decimal(price) / 10_000 * tokens / MILLION


# --- what a call costs ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "completion", "left"),
    [
        (0, 0, "10"),
        (MILLION, 0, "9.98"),
        (0, MILLION, "9.95"),
        (MILLION, MILLION, "9.93"),
        (1, 0, "9.99999998"),
        (0, 1, "9.99999995"),
        (1234, 567, "9.99994697"),
    ],
)
def test_a_call_costs_the_price_of_its_tokens(prompt: int, completion: int, left: str) -> None:
    wallet = Wallet(DESCRIPTION, 10)
    wallet.charge(KEY, ROW, prompt, completion)
    assert wallet.left(KEY) == Decimal(left)


@given(start=amounts, calls=st.lists(st.tuples(rows, counts, counts)), paid=st.lists(amounts))
def test_what_is_left_is_what_was_paid_less_the_price_of_every_call(
    start: Decimal, calls: list[tuple[Any, int, int]], paid: list[Decimal]
) -> None:
    wallet = Wallet(DESCRIPTION, start)
    for row, prompt, completion in calls:
        wallet.charge(KEY, row, prompt, completion)
    for amount in paid:
        wallet.top_up(KEY, amount)
    with localcontext() as context:
        context.prec = 100
        cost = sum(
            usd(row["input_token_price_per_m"], prompt)
            + usd(row["output_token_price_per_m"], completion)
            for row, prompt, completion in calls
        )
        assert wallet.left(KEY) == start + sum(paid) - cost


def test_a_million_calls_of_one_token_cost_what_a_million_tokens_cost() -> None:
    wallet = Wallet(DESCRIPTION, "0.1")
    for _ in range(MILLION):
        wallet.charge(KEY, ROW, 1, 0)
    assert wallet.left(KEY) == Decimal("0.08")


def test_money_does_not_depend_on_the_decimal_context_of_the_caller() -> None:
    with localcontext() as context:
        context.prec = 3
        wallet = Wallet(DESCRIPTION, "12345.6789012345")
        wallet.charge(KEY, ROW, 1, 0)
        left = wallet.left(KEY)
    assert str(left) == "12345.6789012145"


def test_a_price_below_zero_costs_nothing() -> None:
    wallet = Wallet(DESCRIPTION, 1)
    wallet.charge(KEY, {"input_token_price_per_m": -1, "output_token_price_per_m": -1}, 10, 10)
    assert wallet.left(KEY) == 1


@pytest.mark.parametrize(
    ("status", "costs"),
    [(200, True), (499, True)]
    + [(status, False) for status in (400, 401, 403, 404, 413, 429, 500, 502, 503, 504)],
)
def test_calls_that_were_answered_or_left_alone_by_the_client_cost_money(
    status: int, costs: bool
) -> None:
    assert Wallet(DESCRIPTION, 1).charges(status) is costs


# --- running out, owing, paying in ---------------------------------------------------------------


def test_a_call_is_answered_while_there_is_anything_left() -> None:
    wallet = Wallet(DESCRIPTION, "0.0000000201")
    wallet.charge(KEY, ROW, 1, 0)
    assert wallet.left(KEY) == Decimal("0.0000000001")
    assert not runs_out(wallet)
    wallet.charge(KEY, ROW, 1, 0)
    assert runs_out(wallet)


def test_a_last_call_may_cost_more_than_there_is_and_a_top_up_pays_that_first() -> None:
    wallet = Wallet(DESCRIPTION, "0.01")
    wallet.charge(KEY, ROW, MILLION, 0)
    assert (wallet.left(KEY), runs_out(wallet)) == (Decimal("-0.01"), True)
    wallet.top_up(KEY, "0.01")
    assert (wallet.left(KEY), runs_out(wallet)) == (Decimal(0), True)
    wallet.top_up(KEY, "0.000001")
    assert not runs_out(wallet)


@pytest.mark.parametrize("balance", [0, "0", 0.0, Decimal(0), "-0"], ids=repr)
def test_an_account_may_start_with_no_credit_at_all(balance: Any) -> None:
    wallet = Wallet(DESCRIPTION, balance)
    assert runs_out(wallet)
    wallet.top_up(KEY, 1)
    assert not runs_out(wallet)


def test_a_free_model_does_not_use_the_balance_up() -> None:
    wallet = Wallet(DESCRIPTION, 1)
    wallet.charge(KEY, FREE, MILLION, MILLION)
    assert wallet.left(KEY) == 1


def test_each_key_has_a_wallet_of_its_own() -> None:
    wallet = Wallet(DESCRIPTION, 1)
    wallet.charge(KEY, ROW, 100 * MILLION, 0)
    wallet.top_up(OTHER_KEY, 2)
    assert (runs_out(wallet), wallet.left(KEY)) == (True, Decimal(-1))
    assert (runs_out(wallet, OTHER_KEY), wallet.left(OTHER_KEY)) == (False, Decimal(3))
    assert wallet.left("a third") == 1


def test_after_a_reset_every_key_has_what_it_started_with() -> None:
    wallet = Wallet(DESCRIPTION, 1)
    wallet.charge(KEY, ROW, 100 * MILLION, 0)
    wallet.top_up(OTHER_KEY, 2)
    wallet.reset()
    assert wallet.left(KEY) == wallet.left(OTHER_KEY) == Decimal(1)


@pytest.mark.parametrize("edition", EDITIONS)
def test_an_empty_wallet_is_a_403_in_every_edition(edition: str) -> None:
    with pytest.raises(Refused) as refused:
        Wallet(DESCRIPTION, 0).check(KEY)
    row = DESCRIPTION.errors.row(refused.value.name, edition)
    assert (row.status, row.reason) == (403, "NOT_ENOUGH_BALANCE")


# --- amounts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "left"),
    [
        (5, "5"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.3"),
        ("2.50", "2.5"),
        (Decimal("0.0000000001"), "0.0000000001"),
        ("0.00000000001", "0"),
        ("1e-999999999999", "0"),
        ("1e9", "1000000000"),
        (-0.0, "0"),
    ],
    ids=repr,
)
def test_an_amount_is_taken_as_it_is_printed(amount: Any, left: str) -> None:
    assert Wallet(DESCRIPTION, amount).left(KEY) == Decimal(left)
    wallet = Wallet(DESCRIPTION, 0)
    wallet.top_up(KEY, amount)
    assert wallet.left(KEY) == Decimal(left)


@pytest.mark.parametrize(
    "amount",
    [
        -1,
        "-0.01",
        float("nan"),
        "nan",
        "sNaN",
        float("inf"),
        "-inf",
        "",
        "ten",
        "1,5",
        True,
        1e9 + 1,
        "1e999999999999",
    ],
    ids=repr,
)
def test_what_is_no_amount_of_money_is_refused_with_a_reason(amount: Any) -> None:
    problem = f"expected 0 to 1,000,000,000 USD; got {amount!r}"
    with pytest.raises(ValueError, match=re.escape(f"balance: {problem}")):
        Wallet(DESCRIPTION, amount)
    wallet = Wallet(DESCRIPTION, 1)
    with pytest.raises(ValueError, match=re.escape(f"top-up: {problem}")):
        wallet.top_up(KEY, amount)
    assert wallet.left(KEY) == 1


# --- the billing endpoint ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "spent", "balance", "owed"),
    [
        ("12.3456", 0, "123456", "0"),
        ("12.3456", 1, "123455", "0"),
        ("0.0001", 0, "1", "0"),
        ("0.00009", 0, "0", "0"),
        ("0", 0, "0", "0"),
        ("0.02", MILLION, "0", "0"),
        ("0.02", MILLION + 1, "0", "1"),
        ("0.01", MILLION, "0", "100"),
        ("0.01", MILLION + 1, "0", "101"),
    ],
)
def test_the_detail_has_the_balance_in_whole_ten_thousandths_of_a_usd(
    start: str, spent: int, balance: str, owed: str
) -> None:
    wallet = Wallet(DESCRIPTION, start)
    wallet.charge(KEY, ROW, spent, 0)
    assert wallet.detail(KEY) == {
        "availableBalance": balance,
        "cashBalance": balance,
        "creditLimit": "0",
        "pendingCharges": "0",
        "outstandingInvoices": owed,
    }


@given(start=amounts, row=rows, prompt=counts, completion=counts)
def test_the_detail_holds_texts_of_whole_numbers_and_never_one_below_zero(
    start: Decimal, row: Any, prompt: int, completion: int
) -> None:
    wallet = Wallet(DESCRIPTION, start)
    wallet.charge(KEY, row, prompt, completion)
    detail = wallet.detail(KEY)
    assert all(TEXT_OF_A_NUMBER.fullmatch(text) for text in detail.values())
    owed = int(detail["outstandingInvoices"])
    assert (wallet.left(KEY) < 0) is (owed > 0)
    assert not (owed and int(detail["availableBalance"]))


# --- without a balance, and without keys ---------------------------------------------------------


def test_without_a_balance_nothing_is_charged_and_nobody_runs_out() -> None:
    wallet = Wallet(DESCRIPTION)
    before = wallet.detail(KEY)
    for _ in range(10):
        wallet.charge(KEY, ROW, 10**12, 10**12)
        assert not runs_out(wallet)
    assert wallet.detail(KEY) == before
    assert before["availableBalance"] == "1000000"
    with pytest.raises(ValueError, match="no balance was set"):
        wallet.top_up(KEY, 1)


def test_no_key_shows_in_a_wallet_or_in_a_refusal() -> None:
    wallet = Wallet(DESCRIPTION, 1)
    wallet.charge(KEY, ROW, 100 * MILLION, 0)
    with pytest.raises(Refused) as refused:
        wallet.check(KEY)
    with pytest.raises(ValueError, match="top-up") as problem:
        wallet.top_up(KEY, -1)
    for shown in (wallet, wallet.detail(KEY), refused.value, refused.value.detail, problem.value):
        assert KEY not in repr(shown) + str(shown)
