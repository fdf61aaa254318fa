"""A run on disk: its directory and manifest, its steps, and one typed record per file. Never torch."""
