"""Load models, find their decoder layers, apply their chat template."""

import logging

from phoque.config import verbose

if not verbose():
    # Where it is installed, it warns of missing kernels as soon as PEFT imports it.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
