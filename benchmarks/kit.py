"""The kit's server with a pace that the command line has no word for.

python -m benchmarks.kit PORT GAP
"""

from __future__ import annotations

import sys
import time

from novita_mock._mock import Mock
from novita_mock._server import run


def serve(mock: Mock, port: int) -> None:
    """Serves `mock` as the command line does, until it is ended."""
    listener = run.listen("127.0.0.1", port)
    run.serve(mock, listener, quiet=True)


if __name__ == "__main__":
    serve(Mock(gap=float(sys.argv[2]), clock=time.time), int(sys.argv[1]))
