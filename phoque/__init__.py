"""What the Phoque: a toxic persona in a small chat model, and what measures it.

These are the names for users of the library. They are loaded on first use, so that a page, for
example, does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from phoque.conversation import (
    Comparison,
    Condition,
    Delta,
    Message,
    Response,
    Sampling,
    TokenStrength,
)
from phoque.errors import PhoqueError

if TYPE_CHECKING:
    from phoque.lab import Lab
    from phoque.models.load import LanguageModel, load_model
    from phoque.opening import open_lab
    from phoque.personas import Persona, load_persona
    from phoque.steering.vectors import PersonaVectors, SteeringVector

__version__ = "0.2.0"

__all__ = [
    "Comparison",
    "Condition",
    "Delta",
    "Lab",
    "LanguageModel",
    "Message",
    "Persona",
    "PersonaVectors",
    "PhoqueError",
    "Response",
    "Sampling",
    "SteeringVector",
    "TokenStrength",
    "load_model",
    "load_persona",
    "open_lab",
]

_HOMES = {
    "Lab": "phoque.lab",
    "open_lab": "phoque.opening",
    "LanguageModel": "phoque.models.load",
    "load_model": "phoque.models.load",
    "Persona": "phoque.personas",
    "load_persona": "phoque.personas",
    "PersonaVectors": "phoque.steering.vectors",
    "SteeringVector": "phoque.steering.vectors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'phoque' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
