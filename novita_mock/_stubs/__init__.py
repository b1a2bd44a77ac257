"""Scripted answers: rules, what they match, and how they are written."""
