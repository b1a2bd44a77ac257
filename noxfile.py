"""The tasks of this project by name: `nox -s NAME`; `nox -l` lists them.

They run in the environment that nox is started from, which the README's second command makes.
What stands behind `--` goes to the program that does the work.
"""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.stop_on_first_error = True

EDITIONS = ("v3", "2026", "live")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy."""
    session.run("mypy", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the fast tests, as the README does."""
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def tests_all(session: nox.Session) -> None:
    """Run all tests, in four processes and random order."""
    session.run("python", "-m", "pytest", "-q", "--slow", "--no-skips", "-n", "4", *session.posargs)


@nox.session
def contract(session: nox.Session) -> None:
    """Run the contract suite against the mock, in process and over loopback."""
    for edition in EDITIONS:
        session.run("novita-mock", "contract", "--edition", edition)
    session.run("python", "-m", "tests.contract_loopback")


@nox.session
def docs(session: nox.Session) -> None:
    """Run every example of README and docs."""
    files = ("tests/test_docs.py", "tests/test_faults_doc.py", "tests/test_seed_page.py")
    session.run("python", "-m", "pytest", "--slow", *files, *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks and the soak test; `-- --smoke` runs each once, without judging time."""
    session.run("python", "-m", "benchmarks", *session.posargs)
    session.run("python", "-m", "benchmarks.soak", *session.posargs)


@nox.session
def clients(session: nox.Session) -> None:
    """Run the real clients of the field against the server."""
    session.run("python", "tests/clients/run.py", *session.posargs)


@nox.session
def sample(session: nox.Session) -> None:
    """Run the sample project's tests with the built wheel."""
    session.run("python", "tests/clients/downstream.py", *session.posargs)


@nox.session
def typing(session: nox.Session) -> None:
    """Check the public names as a user's type checker sees them in the built wheel."""
    session.run("python", "-m", "tests.typing_outside.check", *session.posargs)


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the fast tests and one chat with the lowest dependencies that pyproject.toml allows."""
    session.run("python", "-m", "tests.lowest", *session.posargs)


@nox.session
def mutation(session: nox.Session) -> None:
    """Break a module line by line and count what its tests notice; `-- MODULE TESTS`."""
    session.run("python", "-m", "tests.mutation", *session.posargs)
