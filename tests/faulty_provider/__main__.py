"""Serves the faulty provider on a loopback port, or lists what it can do wrong."""

from __future__ import annotations

import argparse
import socket

import uvicorn

from . import FAULTS, VARIATIONS, Provider


def listing() -> str:
    faults = [f"{name:40} {f.law:5} {f.strength:6} {f.about}" for name, f in FAULTS.items()]
    honest = [f"{name:40} {v.about}" for name, v in VARIATIONS.items()]
    return "\n".join([*faults, "", "variations", *honest])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faulty_provider")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", choices=FAULTS, metavar="NAME")
    parser.add_argument("--variation", choices=VARIATIONS, action="append", default=[])
    parser.add_argument("--edition", choices=("v3", "2026", "live"), default="v3")
    parser.add_argument("--api-key", action="append", default=[])
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if given.list:
        print(listing())
        return
    keys = frozenset(given.api_key)
    provider = Provider(given.fault, frozenset(given.variation), given.edition, keys)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", given.port))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v3/openai", flush=True)
    config = uvicorn.Config(provider, log_level="error", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


main()
