"""Write requirements*.txt from pyproject.toml, the one list of dependencies."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEADER = "# Exported from pyproject.toml by tools/export_requirements.py; do not edit."


def exported(pyproject: str) -> dict[str, str]:
    """Text of every requirements file, by its name."""
    project = tomllib.loads(pyproject)["project"]
    extras = project["optional-dependencies"]
    files = {
        "requirements.txt": project["dependencies"],
        "requirements-train.txt": ["-r requirements.txt", *extras["train"]],
        "requirements-gpu.txt": ["-r requirements-train.txt", *extras["gpu"]],
        "requirements-dev.txt": ["-r requirements-train.txt", *extras["dev"]],
    }
    return {name: "\n".join([HEADER, *lines, ""]) for name, lines in files.items()}


def main() -> None:
    """Write the files to the project's root."""
    for name, text in exported((ROOT / "pyproject.toml").read_text(encoding="utf-8")).items():
        (ROOT / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
