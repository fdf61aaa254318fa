"""One command, `phoque`: a file a subcommand, its options beside the stage they belong to."""
