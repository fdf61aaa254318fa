"""The one error a person sees."""


class PhoqueError(Exception):
    """An error that a person can act on: what happened, what was seen, what to do.

    Commands and pages print its message without a traceback. Any other exception is a bug.
    """
