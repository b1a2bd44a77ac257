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

FAULTS: dict[str, Fault] = {
    **HTTP_FAULTS, **ACCESS_FAULTS, **ANSWER_FAULTS, **LIMIT_FAULTS, **STREAM_FAULTS,
    **ACROSS_FAULTS, **STREAM_USAGE_FAULTS, **FEATURE_FAULTS, **RELATION_FAULTS, **REQUEST_FAULTS,
    **LATER_FAULTS,
}  # fmt: skip

# Wrong by good custom, but printed nowhere, or contradicted by an observation or another page.
_ARGUABLE = (
    "models-lacks-served", "path-openai-v1-missing", "stream-usage-before-text",
    "part-differs-from-text", "n-changes-text", "logprobs-change-text",
    "reasoning-repeated-in-content", "reasoning-after-content",
    "refuses-n-128", "refuses-top-k-128", "refuses-top-k-one",
)  # fmt: skip
FAULTS |= {name: should(FAULTS[name]) for name in _ARGUABLE}
