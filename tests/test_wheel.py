"""The wheel, built from the sdist and installed alone: it must not depend on the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.say_hello import say_hello

ROOT = Path(__file__).parents[1]
FOLDERS = ("novita_mock", "schemas", "contract_tests")


def _tracked(*folders: str) -> set[str]:
    """The files of `folders` that belong to the project: those that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line for line in listed.stdout.splitlines() if (ROOT / line).is_file()}


def _inside(path: str) -> str:
    """The path in the wheel of a file of the checkout."""
    return path if path.startswith("novita_mock/") else f"novita_mock/{path}"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program folder of an environment with the wheel and the tests' libraries."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False, symlinks=True)
    programs = home / "bin"
    (purelib,) = home.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(purelib)
    # The libraries come from the running environment, without its editable install of the project.
    running = Path(pytest.__file__).parents[1]
    (purelib / "libraries.pth").write_text(f"{running}\n", encoding="utf-8")
    return programs


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a checkout to list its files")
def test_the_wheel_has_exactly_the_files_of_the_three_folders(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == {_inside(path) for path in _tracked(*FOLDERS)}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a checkout to list its files")
def test_the_sdist_has_the_files_that_it_is_built_from(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert _tracked(*FOLDERS) <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "conftest.py"} <= names


@pytest.fixture
def base_url(installed: Path, tmp_path: Path) -> Iterator[str]:
    """`novita-mock serve` from the installed wheel, run in an empty folder."""
    code = "import sys; from novita_mock.cli import run; sys.argv[0] = 'novita-mock'; run()"
    command = [str(installed / "python"), "-P", "-c", code, "serve", "--port", "0"]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Serving "):
            yield line.split()[1]
            break
    process.terminate()
    _, log = process.communicate()
    assert process.returncode == 0, log


def test_the_installed_wheel_serves_a_chat_from_an_empty_folder(base_url: str) -> None:
    assert say_hello(base_url)


def test_the_installed_package_is_the_one_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = (
        "import novita_mock._api.description as found; "
        "print(found.__file__); print(found.shipped('schemas'))"
    )
    done = subprocess.run(
        [str(installed / "python"), "-P", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    package, schemas = map(Path, done.stdout.split())
    assert package.is_relative_to(installed.parent)
    assert schemas.is_relative_to(installed.parent)
