"""The command `novita-mock` and its options.

Each command imports what it needs when it runs, because `serve` has to answer within a second.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from novita_mock._api.description import load_description
from novita_mock._commands.output import json_option, print_json, print_rows
from novita_mock._commands.scenario import explain, lint
from novita_mock._core import missing
from novita_mock._core.timing import SPREADS
from novita_mock._core.version import __version__

EXIT_USAGE = 2
EDITIONS = load_description().errors.editions

_edition = click.option(
    "--edition",
    type=click.Choice(EDITIONS),
    default=EDITIONS[0],
    show_default=True,
    help="Version of the API documentation to follow; live is closest to today's service.",
)
_seconds = partial(click.option, default=0.0, type=float, metavar="SECONDS")


def run() -> None:
    """Entry point. A usage error prints one line to stderr and exits with code 2."""
    try:
        sys.exit(main(standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(EXIT_USAGE)
    except click.ClickException as error:
        click.echo(f"novita-mock: {error.format_message()}", err=True)
        sys.exit(EXIT_USAGE)
    except click.Abort:
        sys.exit(130)
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("novita_mock"):
            raise
        text = missing.remedy("this command", [error.name.partition(".")[0]])
        click.echo(f"novita-mock: {text}", err=True)
        sys.exit(EXIT_USAGE)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="novita-mock %(version)s")
def main() -> None:
    """An offline Novita AI LLM API."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=4010,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 picks a free one.",
)
@_edition
@click.option("--scenario", metavar="FILE", help="Scripted answers, as YAML or JSON.")
@click.option("--seed", default=0, show_default=True, help="Seed for the generated texts and ids.")
@click.option("--api-key", "api_keys", multiple=True, help="Accept only this key (repeatable).")
@click.option("--any-model", is_flag=True, help="Accept any model id.")
@_seconds("--ttft", help="Time to the first token.")
@_seconds("--gap", help="Time between tokens.")
@click.option("--tokens-per-second", type=float, help="Token rate, as an alternative to --gap.")
@click.option(
    "--jitter",
    default=0.0,
    help="Relative standard deviation of --ttft and --gap (0.2 = 20 %).",
)
@click.option(
    "--spread", type=click.Choice(SPREADS), default=SPREADS[0], help="Distribution of the jitter."
)
@click.option("--rpm", type=int, help="Maximum requests per minute for each key and model.")
@click.option("--tpm", type=int, help="Maximum tokens per minute for each key and model.")
@click.option("--tier", metavar="T1..T5", help="Default --rpm and --tpm to this tier's limits.")
@click.option("--balance", metavar="USD", help="Credit of each key; unlimited if not given.")
@click.option("--control-token", help="Let other machines use /__mock__ with this bearer token.")
@click.option(
    "--cors",
    "origins",
    multiple=True,
    help="Allow cross-origin requests from this origin (repeatable).",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Number of processes; each has its own script, limits, wallet and journal.",
)
@click.option("--quiet", is_flag=True, help="Print no banner and no line per request.")
def serve(
    host: str,
    port: int,
    scenario: str | None,
    control_token: str | None,
    origins: tuple[str, ...],
    workers: int,
    quiet: bool,
    **options: Any,
) -> None:
    """Serve the API until Ctrl+C."""
    import gc
    import time

    gc.disable()  # the imports below leave no garbage; serving enables it again

    from novita_mock._asgi.admin import Access
    from novita_mock._mock import Mock
    from novita_mock._server import run as server

    try:
        mock = Mock(clock=time.time, scenario=scenario, **options)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        listener = server.listen(host, port)
    except OSError as error:
        raise click.UsageError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    access = Access(control_token, origins)
    if workers > 1:
        from novita_mock._server import workers as processes

        notice = processes.NOTICE.format(workers=workers)
        server.announce(mock, listener, quiet=quiet, notice=notice)
        mock_options = {"scenario": scenario, **options}
        processes.serve(mock_options, listener, workers=workers, quiet=quiet, access=access)
        return
    watched = None if scenario is None else Path(scenario)
    server.serve(mock, listener, quiet=quiet, access=access, scenario=watched)


@main.command()
@_edition
@json_option
def errors(edition: str, as_json: bool) -> None:
    """List every API error with its status, reason and message."""
    description = load_description()
    rows = [
        {
            "situation": name,
            "status": row.status,
            "reason": row.reason,
            "message": row.message or row.text,
            "retryable": row.retryable,
            "edition": row.edition,
            "source": row.source,
            "description": row.description,
        }
        for name in dict.fromkeys(row.situation for row in description.errors.rows)
        for row in [description.errors.row(name, edition)]
    ]
    columns = ("status", "reason", "situation", "retryable", "message")
    print_rows(rows, columns, f"Errors, edition {edition}", as_json)


@main.command()
@json_option
def faults(as_json: bool) -> None:
    """List every fault that you can trigger on demand."""
    from novita_mock._faults.catalogue import Faults

    rows = [
        {
            "fault": row.spelling,
            "on": row.on,
            "description": row.description,
            "guarantee": row.guarantee,
        }
        for row in Faults(load_description()).rows.values()
    ]
    print_rows(
        rows, ("fault", "on", "guarantee"), "Faults, with what they are if nothing is said", as_json
    )


@main.command()
@json_option
def models(as_json: bool) -> None:
    """List the models of the catalogue."""
    rows = list(load_description().models.values())
    shown = [
        {
            "id": row["id"],
            "context": row["context_size"],
            "output": row.get("max_output_tokens"),
            "$ in": _usd(row, "input"),
            "$ out": _usd(row, "output"),
            "features": row.get("features"),
        }
        for row in rows
    ]
    columns = ("id", "context", "output", "$ in", "$ out", "features")
    print_rows(
        rows if as_json else shown, columns, f"{len(rows)} models, USD per million tokens", as_json
    )


def _usd(row: dict[str, Any], side: str) -> str:
    return f"{row[f'{side}_token_price_per_m'] / 10_000:g}"


@main.command()
@_edition
def openapi(edition: str) -> None:
    """Print the API as an OpenAPI 3.1 document."""
    from novita_mock._api.openapi import document

    print_json(document(load_description(), edition))


@main.command()
@click.argument("base_url", required=False)
@click.option(
    "--examples",
    metavar="N",
    type=click.IntRange(0),
    help="Number of generated requests for each operation.",
)
@click.option(
    "--report",
    metavar="PATH",
    help="Write a report to this file (.json, .md, .html, .xml or .sarif).",
)
@click.option(
    "--edition",
    type=click.Choice(EDITIONS),
    help="Version of the API documentation to check against.",
)
@click.option(
    "--compare",
    nargs=2,
    metavar="A.json B.json",
    help="Compare two JSON reports instead of running the suite.",
)
def contract(
    base_url: str | None,
    examples: int | None,
    report: str | None,
    edition: str | None,
    compare: tuple[str, str] | None,
) -> None:
    """Run the contract suite against the mock or the server at BASE_URL.

    The API key of the server is read from NOVITA_API_KEY.
    """
    from novita_mock._commands import contract as suite

    if compare is not None:
        sys.exit(suite.compare(*compare))
    sys.exit(suite.run(base_url, examples=examples, report=report, edition=edition))


@main.command()
@json_option
def doctor(as_json: bool) -> None:
    """Find what would let calls from tests reach the real API."""
    import os

    from novita_mock._commands.doctor import findings, versions

    installed = versions()
    found = findings(installed, os.environ)
    if as_json:
        shown = [{"problem": f.problem, "remedy": f.remedy} for f in found]
        print_json({"versions": installed, "findings": shown})
        return
    for name, version in installed.items():
        click.echo(f"{name} {version}")
    for finding in found:
        click.echo(f"\n{finding.problem}\n  {finding.remedy}")
    if not found:
        click.echo("\nNothing found that lets calls escape.")


main.add_command(explain)
main.add_command(lint)
