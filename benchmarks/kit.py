"""The kit's server with a pace that the command line has no word for.

python -m benchmarks.kit PORT GAP
"""

from __future__ import annotations

import sys
import time

from novita_mock import _serve
from novita_mock._mock import Mock


def main(port: int, gap: float) -> None:
    """Serves a mock whose streams have `gap` seconds between their tokens."""
    listener = _serve.listen("127.0.0.1", port)
    _serve.serve(Mock(gap=gap, clock=time.time), listener, quiet=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
