"""What commands print: tables for people, JSON for programs.

Knows no command. It imports what it needs when it prints, because `serve` has to answer within a
second.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import click

_PIPE_WIDTH = 240

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: object) -> None:
    """Prints `value` as indented JSON."""
    import orjson

    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def print_rows(
    rows: list[dict[str, Any]], columns: Iterable[str], title: str, as_json: bool
) -> None:
    """Prints `rows` as a table of `columns` with a `title`, or all of them as JSON."""
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in columns:
        # People copy names, so a name stays on one line; its explanation may be folded.
        whole = column in ("id", "reason", "situation", "fault")
        table.add_column(column, overflow="fold", min_width=len(column), no_wrap=whole)
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    # A pipe has no width: rich would guess one and crop the table to it.
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
