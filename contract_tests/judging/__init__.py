"""How a target is judged: probes, checks, and the subjects of checks."""
