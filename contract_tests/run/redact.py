"""A secret taken out of any text by its value, in whatever encoding it stands there."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

LEAST = 6
STARS = "***"


def spellings(secret: str) -> list[str]:
    """How a secret may be written: plain, escaped, percent-encoded, in hexadecimal or base64."""
    data = secret.encode()
    found = {
        secret,
        json.dumps(secret)[1:-1],
        quote(secret, safe=""),
        quote_plus(secret),
        "".join(f"%{byte:02X}" for byte in data),
        "".join(f"\\u{ord(sign):04x}" for sign in secret if ord(sign) < 0x10000),
        data.hex(),
        data.hex().upper(),
        secret[::-1],
    }
    for before in range(3):
        # Where a secret stands in a longer text, base64 has three ways to spell its middle.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * before + data).decode()
            start, end = -(-before * 8 // 6), (before + len(data)) * 8 // 6
            found.add(text[start:end])
    return sorted((text for text in found if len(text) >= LEAST), key=len, reverse=True)


class Redactor:
    """Takes `secret` out of texts. Without a secret nothing changes."""

    def __init__(self, secret: str | None) -> None:
        known = spellings(secret) if secret and len(secret) >= LEAST else []
        anyhow = "|".join(map(re.escape, known))
        self._pattern = re.compile(anyhow, re.IGNORECASE) if known else None

    def occurs(self, text: str) -> bool:
        """Whether the secret stands in `text` in some spelling."""
        return bool(self._pattern and self._pattern.search(text))

    def __call__(self, text: str) -> str:
        return self._pattern.sub(STARS, text) if self._pattern else text
