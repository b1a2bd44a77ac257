"""The commands `explain` and `lint`, which read scenario files. What they need is imported when
they run, because `serve` has to answer within a second."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from novita_mock._api.description import load_description

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.argument("scenario", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("request", metavar="REQUEST.json", type=click.Path(path_type=Path))
@click.option("--header", "headers", multiple=True, metavar="'K: V'", help="Sent with the request.")
@click.option("--operation", type=click.Choice(("chat.completions", "completions")))
@_json
def explain(
    scenario: Path, request: Path, headers: tuple[str, ...], operation: str | None, as_json: bool
) -> None:
    """Tell which rule of a scenario answers a request, and why.

    REQUEST.json is the body of the request. Exit code 1: no rule answers.
    """
    from novita_mock._stubs import explain as explaining
    from novita_mock._stubs import scenario_file

    description = load_description()
    try:
        rules, _ = scenario_file.rules(description, scenario_file.read(scenario), str(scenario))
        view = explaining.view(description, request.read_bytes(), _named(headers), operation)
    except OSError as error:
        raise click.UsageError(f"{request}: {error.strerror}") from None
    except scenario_file.UnreadableScenario as error:
        raise click.UsageError(str(error)) from None
    except ValueError as error:
        raise click.UsageError(f"{request}: {error}") from None
    told = explaining.explain(rules, view)
    click.echo(_json_text(told.as_json()) if as_json else "\n".join(told.lines()))
    sys.exit(told.winner is None)


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--any-model", is_flag=True, help="For a mock that answers for every model.")
@_json
def lint(files: tuple[Path, ...], any_model: bool, as_json: bool) -> None:
    """Check scenario files. Exit code 1: there are errors."""
    from dataclasses import asdict

    from novita_mock import _lint

    description = load_description()
    found = [f for file in files for f in _lint.lint(description, file, any_model=any_model)]
    if as_json:
        click.echo(_json_text([asdict(finding) for finding in found]))
    for finding in () if as_json else found:
        click.echo(str(finding))
    sys.exit(any(finding.severity == _lint.ERROR for finding in found))


def _named(headers: tuple[str, ...]) -> dict[str, str]:
    """The `headers` by their names."""
    named: dict[str, str] = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not header.isascii():
            raise click.UsageError(f"--header: expected 'Name: value'; got {header!r}")
        named[name.strip()] = value.strip()
    return named


def _json_text(value: object) -> bytes:
    import orjson

    return orjson.dumps(value, option=orjson.OPT_INDENT_2)
