"""How a target is judged: probes, checks, and what they look at."""
