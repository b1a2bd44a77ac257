"""What came in and what was answered: calls, and how they are told."""
