"""Build the demo and launch it; `--verbose` shows the bars and warnings of libraries."""

import sys

from phoque.config import app_settings, set_verbose
from phoque.errors import PhoqueError

set_verbose("--verbose" in sys.argv[1:])  # before any library is imported
try:
    settings = app_settings()
except PhoqueError as error:
    raise SystemExit(str(error)) from None
if settings.zero_gpu:
    import spaces  # noqa: F401  # must come before anything that touches CUDA

from phoque.ui.demo import opened  # noqa: E402

try:
    demo, options = opened(settings)
except PhoqueError as error:
    raise SystemExit(str(error)) from None

if __name__ == "__main__":
    demo.launch(**options)
