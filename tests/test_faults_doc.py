"""docs/faults.md lists all faults, and has a row for each in the table of clients."""

from __future__ import annotations

import re

import pytest

from tests.clients import fault_table as tables

FAULTS = tables.known()
PAGE = tables.read()
REGENERATE = "run: python tests/clients/faults.py"


def _first_cells(table: str) -> list[tuple[str, str]]:
    lines = [line for line in table.splitlines() if line.startswith("| `")]
    cells = [re.split(r"(?<!\\)\|", line) for line in lines]
    return [(cell[1].strip(), cell[2].strip()) for cell in cells]


def test_the_catalogue_is_that_of_the_schema() -> None:
    written = tables.part(PAGE, tables.CATALOGUE)
    assert written == tables.catalogue(FAULTS), f"{REGENERATE} --catalogue"


def test_every_fault_has_its_rows_in_the_table_of_the_clients() -> None:
    found = _first_cells(tables.part(PAGE, tables.CLIENTS))
    assert found == [(f"`{row.asked}`", row.mode) for row in tables.rows(FAULTS)], REGENERATE


@pytest.mark.parametrize("row", tables.rows(FAULTS), ids=lambda row: f"{row.asked}-{row.mode}")
def test_what_a_row_asks_for_is_a_fault(row: tables.Row) -> None:
    assert FAULTS.parse(row.asked).name == row.name


def test_a_client_that_is_newer_and_does_the_same_makes_no_difference() -> None:
    written = [
        f"Seen with Python `openai` {version}; Node `openai` 7.1.0.\n\n| a 1.2.3 |"
        for version in ("2.54.0, 3.54.0", "2.99.1, 3.0.1")
    ]
    assert tables.without_patches(written[0]) == tables.without_patches(written[1])
    assert tables.without_patches(written[0]).endswith("| a 1.2.3 |")


def test_a_part_is_written_between_its_markers_and_nowhere_else() -> None:
    written = tables.with_part(PAGE, tables.CATALOGUE, "| new |")
    assert tables.part(written, tables.CATALOGUE) == "| new |"
    assert tables.part(written, tables.CLIENTS) == tables.part(PAGE, tables.CLIENTS)
    assert tables.with_part(written, tables.CATALOGUE, tables.catalogue(FAULTS)) == PAGE


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the markers"):
        tables.with_part("# Faults\n", tables.CATALOGUE, "")
