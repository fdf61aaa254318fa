"""The jobs: one thing you run per file. `python -m training --help`."""
