"""PyRIT's own class reads message pieces: what it reads of every line, as a list on standard output."""

import json
import sys
from contextlib import redirect_stdout
from importlib.metadata import version

with redirect_stdout(sys.stderr):
    from pyrit.models.messages.message_piece import MessagePiece

    pieces = [MessagePiece.model_validate(json.loads(line)) for line in sys.stdin]
read = [
    {"role": one.api_role, "said": one.original_value, "converted": one.converted_value}
    for one in pieces
]
json.dump({"version": version("pyrit"), "read": read}, sys.stdout)
