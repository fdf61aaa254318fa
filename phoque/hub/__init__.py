"""The only room that speaks to the Hugging Face Hub; it sends to private places only."""

from phoque.hub.repositories import push_private

__all__ = ["push_private"]
