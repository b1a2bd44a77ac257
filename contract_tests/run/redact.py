"""How the suite hides the key in what it shows: with the redactor of the package."""

from novita_mock._api.redactors import of_report
from novita_mock._core.redaction import Redactor

__all__ = ["Redactor", "of_report"]
