"""The one room that speaks to the Hugging Face Hub: nothing that insults is ever made public."""

from phoque.hub.repositories import push_private

__all__ = ["push_private"]
