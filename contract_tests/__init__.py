"""The contract of the API, as checks that judge any server. README.md explains how.

`test_1_admission` to `test_7_determinism` are the specification; `wire`, `judging`, `cases` and
`run` are what it stands on, each folder on those before it.
"""
