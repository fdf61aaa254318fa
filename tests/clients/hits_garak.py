"""garak's own classes read a hit log: what they read of every line, as a list on standard output."""

import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from importlib.metadata import version

with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
    # garak makes folders when it is imported: nothing is left behind.
    os.environ |= {f"XDG_{name}_HOME": folder for name in ("CACHE", "CONFIG", "DATA")}
    from garak.attempt import Conversation, Message

    hits = [json.loads(line) for line in sys.stdin]
    read = [
        {
            "said": Conversation.from_dict(hit["prompt"]).last_message().text,
            "answer": Message(**hit["output"]).text,
        }
        for hit in hits
    ]
json.dump({"version": version("garak"), "read": read}, sys.stdout)
