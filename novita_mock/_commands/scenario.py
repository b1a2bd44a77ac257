"""The commands `novita-mock explain` and `novita-mock lint`, which read scenario files.

They import what they need when they run, because `serve` has to answer within a second.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from novita_mock._api.description import load_description
from novita_mock._commands.output import json_option, print_json


@click.command()
@click.argument("scenario", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("request", metavar="REQUEST.json", type=click.Path(path_type=Path))
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="'K: V'",
    help="Header of the request (repeatable).",
)
@click.option(
    "--operation",
    type=click.Choice(load_description().scripted),
    help="Operation of the request; by default the one that its body implies.",
)
@json_option
def explain(
    scenario: Path, request: Path, headers: tuple[str, ...], operation: str | None, as_json: bool
) -> None:
    """Show which rule of a scenario answers a request, and why.

    REQUEST.json is the body of the request. The exit code is 1 if no rule answers.
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
    explanation = explaining.explain(rules, view)
    if as_json:
        print_json(explanation.as_json())
    else:
        click.echo("\n".join(explanation.lines()))
    sys.exit(explanation.winner is None)


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--any-model", is_flag=True, help="Accept any model id, like serve --any-model.")
@json_option
def lint(files: tuple[Path, ...], any_model: bool, as_json: bool) -> None:
    """Check scenario files. The exit code is 1 if there are errors."""
    from dataclasses import asdict

    from novita_mock import _lint

    description = load_description()
    messages = [m for file in files for m in _lint.lint(description, file, any_model=any_model)]
    if as_json:
        print_json([asdict(message) for message in messages])
    for message in () if as_json else messages:
        click.echo(str(message))
    sys.exit(any(message.severity == _lint.ERROR for message in messages))


def _named(headers: tuple[str, ...]) -> dict[str, str]:
    """The `headers` by name. Raises UsageError for one without a colon."""
    named: dict[str, str] = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not header.isascii():
            raise click.UsageError(f"--header: expected 'Name: value'; got {header!r}")
        named[name.strip()] = value.strip()
    return named
