"""The Space: the only home of gradio."""

import sys

from phoque.files import temporary_files

# Before Gradio is imported. It imports matplotlib at every event, which wants to write; pages do without.
if not temporary_files():
    sys.modules["matplotlib"] = None  # type: ignore[assignment]
