"""The former name of `_testing/httpcore_patch.py`: an alias for one release, gone with 0.3."""

from novita_mock._testing.httpcore_patch import MOCKER, answering_early, error_class, stopping

__all__ = ["MOCKER", "answering_early", "error_class", "stopping"]
