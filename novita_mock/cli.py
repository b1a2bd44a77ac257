"""The command `novita-mock`. Options come in here; what a command needs it imports when it runs,
because `serve` has to answer within a second."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import click

from novita_mock._api.description import load_description
from novita_mock._commands.scenario import explain, lint
from novita_mock._core import missing
from novita_mock._core.timing import SPREADS
from novita_mock._core.version import __version__

EXIT_USAGE = 2
_PIPE_WIDTH = 240
EDITIONS = load_description().errors.editions

_edition = click.option(
    "--edition",
    type=click.Choice(EDITIONS),
    default=EDITIONS[0],
    show_default=True,
    help="Which documentation of the API holds.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_seconds = partial(click.option, default=0.0, type=float, metavar="SECONDS")


def run() -> None:
    """Entry point: a wrong call is one line on stderr and exit code 2."""
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
@click.option("--port", default=4010, show_default=True, type=click.IntRange(0, 65535))
@_edition
@click.option("--scenario", metavar="FILE", help="Scripted answers, YAML or JSON.")
@click.option("--seed", default=0, show_default=True, help="Chooses the texts and ids.")
@click.option("--api-key", "api_keys", multiple=True, help="Accept only this key (repeatable).")
@click.option("--any-model", is_flag=True, help="Answer for every model id.")
@_seconds("--ttft", help="Seconds to the first token.")
@_seconds("--gap", help="Seconds between tokens.")
@click.option("--tokens-per-second", type=float, help="The same as a rate.")
@click.option("--jitter", default=0.0, help="By how much both vary, as a share of them.")
@click.option("--spread", type=click.Choice(SPREADS), default=SPREADS[0], help="In what manner.")
@click.option("--rpm", type=int, help="Requests a minute for each key and model.")
@click.option("--tpm", type=int, help="Tokens a minute for each key and model.")
@click.option("--tier", metavar="T1..T5", help="The limits of that tier.")
@click.option("--balance", metavar="USD", help="What each key has to spend.")
@click.option("--control-token", help="Opens /__mock__ to other machines, with this bearer token.")
@click.option("--cors", "origins", multiple=True, help="Let pages of this origin in (repeatable).")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Processes; each has its own script, limits, wallet and journal.",
)
@click.option("--quiet", is_flag=True, help="No banner, no line per request.")
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

    gc.disable()  # nothing of what is imported now is garbage; serving enables it again

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
        given = {"scenario": scenario, **options}
        processes.serve(given, listener, workers=workers, quiet=quiet, access=access)
        return
    watched = None if scenario is None else Path(scenario)
    server.serve(mock, listener, quiet=quiet, access=access, scenario=watched)


@main.command()
@_edition
@_json
def errors(edition: str, as_json: bool) -> None:
    """Print every way in which a request is refused."""
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
    _print(rows, columns, f"Errors, edition {edition}", as_json)


@main.command()
@_json
def faults(as_json: bool) -> None:
    """Print everything that can go wrong on purpose."""
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
    _print(
        rows, ("fault", "on", "guarantee"), "Faults, with what they are if nothing is said", as_json
    )


@main.command()
@_json
def models(as_json: bool) -> None:
    """Print the model catalogue."""
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
    _print(
        rows if as_json else shown, columns, f"{len(rows)} models, USD per million tokens", as_json
    )


def _usd(row: dict[str, Any], side: str) -> str:
    return f"{row[f'{side}_token_price_per_m'] / 10_000:g}"


@main.command()
@_edition
def openapi(edition: str) -> None:
    """Print an OpenAPI 3.1 document."""
    from novita_mock._api.openapi import document

    _print_json(document(load_description(), edition))


@main.command()
@click.argument("base_url", required=False)
@click.option("--examples", metavar="N", type=click.IntRange(0), help="Generated requests.")
@click.option("--report", metavar="PATH", help="A file: .json, .md, .html, .xml or .sarif.")
@click.option("--edition", type=click.Choice(EDITIONS), help="Edition that the target is held to.")
@click.option(
    "--compare", nargs=2, metavar="A.json B.json", help="Tell what two reports differ in."
)
def contract(
    base_url: str | None,
    examples: int | None,
    report: str | None,
    edition: str | None,
    compare: tuple[str, str] | None,
) -> None:
    """Hold the mock, or the server at BASE_URL, against the contract suite.

    The key of a server comes from NOVITA_API_KEY.
    """
    from novita_mock._commands import contract as suite

    if compare is not None:
        sys.exit(suite.compare(*compare))
    sys.exit(suite.run(base_url, examples=examples, report=report, edition=edition))


@main.command()
@_json
def doctor(as_json: bool) -> None:
    """Tell what in this environment would let a test's calls escape."""
    import os

    from novita_mock._commands.doctor import findings, versions

    installed = versions()
    found = findings(installed, os.environ)
    if as_json:
        shown = [{"problem": f.problem, "remedy": f.remedy} for f in found]
        _print_json({"versions": installed, "findings": shown})
        return
    for name, version in installed.items():
        click.echo(f"{name} {version}")
    for finding in found:
        click.echo(f"\n{finding.problem}\n  {finding.remedy}")
    if not found:
        click.echo("\nNothing found that lets calls escape.")


main.add_command(explain)
main.add_command(lint)


def _print_json(value: object) -> None:
    import orjson

    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def _print(rows: list[dict[str, Any]], columns: Iterable[str], title: str, as_json: bool) -> None:
    if as_json:
        _print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in columns:
        # Names are to be copied, so they are kept whole; what explains them may be folded.
        whole = column in ("id", "reason", "situation", "fault")
        table.add_column(column, overflow="fold", min_width=len(column), no_wrap=whole)
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    # A pipe has no width of its own: what is read there must not be cropped to a guessed one.
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
    return str(value)
