"""The counters of a mock, and their export to Prometheus.

They count call by call and do not know the journal, which drops old calls. Labels have few values:
names from outside that the description does not know count as `other`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from novita_mock._journal.call import Call

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER = "other"
_PREFIX = "novita_mock_"
_COUNTERS = {
    "requests": ("Requests by operation and HTTP status; 0: no head was sent.", "operation status"),
    "tokens": ("Tokens that were written, by operation and model.", "operation model"),
    "faults": ("Replies that were broken, by fault.", "fault"),
    "refusals": ("Refused requests by reason.", "reason"),
    "rule_hits": ("Requests that a scripted rule answered, by its index.", "rule"),
}

Label = str | int | None


class Counters:
    """Counters of calls.

    models, reasons: the known values of these labels.
    """

    def __init__(self, models: Collection[str], reasons: Collection[str]) -> None:
        self._models = frozenset(models)
        self._reasons = frozenset(reasons)
        self.clear()

    def clear(self) -> None:
        """Resets all counters to 0."""
        self.requests: dict[tuple[Label, ...], int] = {}
        self.tokens: dict[tuple[Label, ...], int] = {}
        self.faults: dict[tuple[Label, ...], int] = {}
        self.refusals: dict[tuple[Label, ...], int] = {}
        self.rule_hits: dict[tuple[Label, ...], int] = {}

    def count(self, call: Call) -> None:
        """Counts a call. Takes about a microsecond, however many calls there were."""
        metadata, status = call.metadata, call.reply.status
        outcome = (metadata.operation, status)
        self.requests[outcome] = self.requests.get(outcome, 0) + 1
        if metadata.tokens:
            model = metadata.model if metadata.model in self._models else OTHER
            written = (metadata.operation, model)
            self.tokens[written] = self.tokens.get(written, 0) + metadata.tokens
        if metadata.rule is not None:
            rule = (metadata.rule,)
            self.rule_hits[rule] = self.rule_hits.get(rule, 0) + 1
        if metadata.fault is not None:
            fault = (metadata.fault.name,)
            self.faults[fault] = self.faults.get(fault, 0) + 1
        if (reason := call.reason) is not None:
            known = reason if reason in self._reasons else OTHER
            self.refusals[known,] = self.refusals.get((known,), 0) + 1


def text(counters: Counters, *, calls: int, size: int) -> bytes:
    """The counters in Prometheus' text format, version 0.0.4, with the current content of the
    journal: the number of `calls`, and their `size` in bytes."""
    # Deferred import: only requests for the metrics need it.
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.registry import Collector

    class Counted(Collector):
        def collect(self) -> Iterator[Metric]:
            return _metrics(counters, {"calls": calls, "bytes": size})

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Counted())
    return generate_latest(registry)


def _metrics(counters: Counters, journal: Mapping[str, int]) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    for name, (help, labels) in _COUNTERS.items():
        counter = CounterMetricFamily(_PREFIX + name, help, labels=labels.split())
        counted: Mapping[tuple[Any, ...], int] = getattr(counters, name)
        for values, number in counted.items():
            counter.add_metric([OTHER if v is None else str(v) for v in values], number)
        yield counter
    for unit, number in journal.items():
        help = f"What the journal holds, in {unit}."
        yield GaugeMetricFamily(f"{_PREFIX}journal_{unit}", help, value=number)
