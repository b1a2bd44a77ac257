"""One run of the suite: options, budget, findings, report."""
