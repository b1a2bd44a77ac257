"""All faults by name: the one table."""

from __future__ import annotations

from .edits import should
from .faults_access import ACCESS_FAULTS
from .faults_across import ACROSS_FAULTS
from .faults_answers import ANSWER_FAULTS
from .faults_features import FEATURE_FAULTS
from .faults_http import HTTP_FAULTS
from .faults_later import LATER_FAULTS
from .faults_limits import LIMIT_FAULTS
from .faults_relations import RELATION_FAULTS
from .faults_requests import REQUEST_FAULTS
from .faults_stream_usage import STREAM_USAGE_FAULTS
from .faults_streams import STREAM_FAULTS
from .values import Fault

KINDS: dict[str, dict[str, Fault]] = {
    "http": HTTP_FAULTS, "access": ACCESS_FAULTS, "answers": ANSWER_FAULTS,
    "limits": LIMIT_FAULTS, "streams": STREAM_FAULTS, "across": ACROSS_FAULTS,
    "stream usage": STREAM_USAGE_FAULTS, "features": FEATURE_FAULTS,
    "relations": RELATION_FAULTS, "requests": REQUEST_FAULTS, "later": LATER_FAULTS,
}  # fmt: skip

# Wrong by good custom, but printed nowhere, or contradicted by an observation or another page.
_ARGUABLE = (
    "models-lacks-served", "path-openai-v1-missing", "stream-usage-before-text",
    "part-differs-from-text", "n-changes-text", "logprobs-change-text",
    "reasoning-repeated-in-content", "reasoning-after-content",
    "refuses-n-128", "refuses-top-k-128", "refuses-top-k-one",
)  # fmt: skip
FAULTS: dict[str, Fault] = {
    name: should(fault) if name in _ARGUABLE else fault
    for faults in KINDS.values()
    for name, fault in faults.items()
}
