"""Scripted answers: the rules, what they match, and how users write them."""
