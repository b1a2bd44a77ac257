"""The models that the faulty provider lists, and its errors by edition."""

from __future__ import annotations

from typing import Any

MODEL = "meta-llama/llama-3.1-8b-instruct"
REASONER = "deepseek/deepseek-r1-turbo"
CHAT_ONLY = "qwen/qwen-2.5-72b-instruct"
EMBEDDER = "baai/bge-m3"

BOTH = ("chat/completions", "completions")
ABLE = ("serverless", "function-calling", "structured-outputs")

# id, created, input price, output price, context, most output, type, endpoints, features
_ROWS: tuple[tuple[Any, ...], ...] = (
    (MODEL, 1721779200, 200, 500, 16384, 16384, "chat", BOTH, ABLE),
    (REASONER, 1741132800, 7000, 25000, 64000, 16000, "chat", BOTH, (*ABLE, "reasoning")),
    ("deepseek/deepseek-v3.2", 1764547200, 2690, 4000, 163840, 65536, "chat", BOTH, ABLE),
    (CHAT_ONLY, 1728950400, 3800, 4000, 32000, 8192, "chat", BOTH[:1], ABLE),
    (EMBEDDER, 1735689600, 100, 100, 8192, 8192, "embedding", ("embeddings",), ("serverless",)),
)


def _row(*values: Any) -> dict[str, Any]:
    model, created, price_in, price_out, context, output, kind, endpoints, features = values
    return {
        "id": model, "object": "model", "created": created, "owned_by": "unknown",
        "title": model, "display_name": model.rpartition("/")[2],
        "description": f"The model {model}.",
        "input_token_price_per_m": price_in, "output_token_price_per_m": price_out,
        "context_size": context, "max_output_tokens": output, "model_type": kind, "status": 1,
        "tags": [], "features": list(features), "endpoints": list(endpoints),
    }  # fmt: skip


def rows() -> list[dict[str, Any]]:
    """The list as served, fresh at each call so that a fault may change it."""
    return [_row(*values) for values in _ROWS]


_SEED = {
    "wrong-key": (401, "INVALID_API_KEY", "The API key is invalid."),
    "no-key": (401, "INVALID_API_KEY", "The API key is missing."),
    "bad-body": (400, "INVALID_REQUEST_BODY", "The request body is invalid."),
    "no-model": (404, "MODEL_NOT_FOUND", "The requested model is not found."),
    "wrong-method": (405, "METHOD_NOT_ALLOWED", "This method is not allowed here."),
    "too-large": (413, "REQUEST_ENTITY_TOO_LARGE", "request entity too large"),
}
_2026 = _SEED | {
    "wrong-key": (401, "FAILED_TO_AUTH", "failed to authenticate API key"),
    "no-key": (403, "INVALID_API_KEY", "invalid api-key"),
    "no-model": (404, "MODEL_NOT_FOUND", "model not found"),
}
ERRORS: dict[str, dict[str, tuple[int, str, str]]] = {"v3": _SEED, "2026": _2026, "live": _2026}
