"""The subcommands of `novita-mock`, and what they print."""
