"""The foundation: requests, replies, time, tokens, ids. Imports nothing else of the package."""
