"""The contract of the API as laws that judge any server. README.md says how, and what is left out.

`laws` is what a law is, `api` a target as laws see it, `catalogue`, `boundaries` and `strategies`
make the requests, `test_1_admission` to `test_7_determinism` are the specification.
"""
