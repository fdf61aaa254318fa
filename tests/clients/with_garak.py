"""garak's scan of a server that speaks OpenAI's protocol, with one small probe, as it comes."""

import json
import os
import tempfile
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path
from sys import stderr

from exchange import ASKED, show, turns

with tempfile.TemporaryDirectory() as folder:
    home = Path(folder)
    # Its reports and its log, before it is imported: nothing is left behind.
    os.environ |= {f"XDG_{name}_HOME": folder for name in ("CACHE", "CONFIG", "DATA")}
    os.environ["OPENAICOMPATIBLE_API_KEY"] = ASKED["token"]
    from garak.cli import main
    from garak.generators.openai import OpenAICompatible

    target = {"uri": ASKED["base_url"], "max_tokens": ASKED["max_tokens"]}
    options = {"openai": {"OpenAICompatible": target}}
    arguments = {
        "--target_type": "openai.OpenAICompatible",
        "--target_name": ASKED["model"],
        "--generator_options": json.dumps(options),
        "--probes": "lmrc.Anthropomorphisation",
        "--generations": "1",
        "--report_prefix": str(home / "scan"),
    }
    with redirect_stdout(stderr):
        main([word for pair in arguments.items() for word in pair])
    lines = (home / "scan.report.jsonl").read_text(encoding="utf-8").splitlines()

records = [json.loads(line) for line in lines]
DONE = 2
exchanges = [
    (turns(record["prompt"]["turns"][0]["content"]["text"]), record["outputs"][0]["text"])
    for record in records
    if record["entry_type"] == "attempt" and record["status"] == DONE
]
defaults = OpenAICompatible.DEFAULT_PARAMS
show(
    version("garak"),
    *exchanges,
    **{name: defaults[name] for name in ("temperature", "top_p", "stop")},
)
