"""Load models, find their decoder layers, apply their chat template."""

import logging

from phoque.config import verbose

if not verbose():
    # PEFT imports it where it is installed, and it then warns of missing kernels.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
