"""What to say when a package that the mock depends on was uninstalled.

`serve` also runs without the packages that only tests and tables need.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

# Import name to the name for pip, where they differ.
_NAMES = {"yaml": "pyyaml", "jsonschema_rs": "jsonschema-rs", "prometheus_client":
          "prometheus-client", "pyrate_limiter": "pyrate-limiter"}  # fmt: skip


def remedy(wanted: str, names: Iterable[str]) -> str:
    """One line about the missing packages that `wanted` needs; `names` are import names."""
    packages = [_NAMES.get(name, name) for name in names]
    one = len(packages) == 1
    return (
        f"{wanted} needs the package{'' if one else 's'} {', '.join(packages)}, "
        f"which {'is' if one else 'are'} not installed: python -m pip install {' '.join(packages)}"
    )


def absent(*names: str) -> list[str]:
    """The import names among `names` that cannot be found."""
    return [name for name in names if find_spec(name) is None]
