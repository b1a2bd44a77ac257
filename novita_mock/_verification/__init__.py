"""Whether the code under test called as it should: assertions, and a report on its client."""
