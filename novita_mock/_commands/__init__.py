"""What the subcommands of novita-mock do."""
