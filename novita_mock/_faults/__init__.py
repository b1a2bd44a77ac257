"""Faults on demand: the catalogue, and what each fault does to a reply."""
