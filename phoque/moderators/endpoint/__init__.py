"""Moderators over HTTP, each described in YAML; some descriptions ship with the project."""
