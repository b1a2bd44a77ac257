"""Removes a secret from any text, by its value and in whatever encoding it appears."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

LEAST = 6
STARS = "***"


def spellings(secret: str) -> list[str]:
    """The ways to write a secret: plain, escaped, percent-encoded, reversed, hex or base64."""
    data = secret.encode()
    found = {
        secret,
        json.dumps(secret)[1:-1],
        quote(secret, safe=""),
        quote_plus(secret),
        "".join(f"%{byte:02X}" for byte in data),
        "".join(f"\\u{ord(char):04x}" for char in secret if ord(char) < 0x10000),
        data.hex(),
        data.hex().upper(),
        secret[::-1],
    }
    for offset in range(3):
        # Inside a longer text, base64 has three spellings for the middle of a secret.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * offset + data).decode()
            start, end = -(-offset * 8 // 6), (offset + len(data)) * 8 // 6
            found.add(text[start:end])
    return sorted((text for text in found if len(text) >= LEAST), key=len, reverse=True)


class Redactor:
    """Removes `secret` from texts. Without a secret, texts stay unchanged."""

    def __init__(self, secret: str | None) -> None:
        known = spellings(secret) if secret and len(secret) >= LEAST else []
        pattern = "|".join(map(re.escape, known))
        self._pattern = re.compile(pattern, re.IGNORECASE) if known else None

    def occurs(self, text: str) -> bool:
        """Whether `text` contains the secret in any spelling."""
        return bool(self._pattern and self._pattern.search(text))

    def __call__(self, text: str) -> str:
        return self._pattern.sub(STARS, text) if self._pattern else text
