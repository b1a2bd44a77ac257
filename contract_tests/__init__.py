"""The API contract, as checks that can judge any server. README.md explains how they work.

`test_1_admission` to `test_7_determinism` are the specification. `wire`, `judging`, `cases` and
`run` are the machinery below it; each folder imports only from the folders named before it.
"""
