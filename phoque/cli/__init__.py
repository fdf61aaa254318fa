"""The command `phoque`: one file for each subcommand and for each stage of `phoque run`."""
