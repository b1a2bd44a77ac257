"""What a live run may cost at most, estimated before anything is sent."""

from __future__ import annotations

from ..cases.catalogue import CATALOGUE, api_of
from ..wire.target import InProcess
from .budget import worst_cost
from .options import Options


def lines(options: Options) -> list[str]:
    """The header of a live run: its target, its requests and what they may cost."""
    requests, usd = _estimate(options)
    most, cap = min(requests, options.max_requests), options.max_usd
    caps = f"caps: {options.max_requests} requests, {cap:g} USD"
    pace = f", {options.rpm} requests a minute" if options.rpm else ""
    return [
        f"novita contract: {options.base_url}, edition {options.edition}, "
        f"model {options.model or 'of the seed page or the cheapest'}",
        f"novita contract: at most {most} requests and {min(usd, cap):.4f} USD ({caps}{pace})",
        f"novita contract: {options.examples} drawn requests for each operation, seed 0",
    ]


def _estimate(options: Options) -> tuple[int, float]:
    """The number of fixed and drawn requests, and their worst cost at the description's prices."""
    api = api_of(InProcess(options.edition), options.edition, options.model)
    total = 0.0
    for exchange in api.exchanges():
        total += worst_cost(api, exchange.asked)
    drawn = 2 * options.examples
    dearest = worst_cost(api, api.ask("chat.n").asked)
    return len(CATALOGUE) + drawn, total + drawn * dearest
