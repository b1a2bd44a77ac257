"""What can go wrong on purpose: the catalogue, and what each fault does to a reply."""
