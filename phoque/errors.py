"""The one error a person sees."""


class PhoqueError(Exception):
    """Something a person can act on: what happened, what was seen, what to do.

    Entry points and pages print its message without a traceback; every other exception is a bug
    and keeps its traceback.
    """
