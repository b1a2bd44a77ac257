"""Checks on the calls of the code under test: assertions, and a report on client mistakes."""
