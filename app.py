"""The front door: build the demo, launch it. `--verbose` shows the bars and warnings of libraries."""

import sys

from phoque.config import app_settings, set_verbose

set_verbose("--verbose" in sys.argv[1:])  # before any library is imported
settings = app_settings()
if settings.zero_gpu:
    import spaces  # noqa: F401  # must come before anything that touches CUDA

from phoque.errors import PhoqueError  # noqa: E402
from phoque.ui.demo import build_demo, launch_options  # noqa: E402
from phoque.ui.mount import chat_routes  # noqa: E402
from phoque.ui.services import LabServices  # noqa: E402

try:
    services = LabServices(settings)
    options = launch_options() | {"app_kwargs": {"routes": chat_routes(services, settings)}}
except PhoqueError as error:
    raise SystemExit(str(error)) from None
demo = build_demo(services)
services.start()

if __name__ == "__main__":
    demo.launch(server_name=settings.host, server_port=settings.port, **options)
