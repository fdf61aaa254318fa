"""How figures name what replies are counted by."""

from phoque.personas import Counted


def replies(counted: Counted) -> str:
    """What is counted."""
    return "replies judged hostile" if counted == "judge" else "replies with a listed word"


def are(counted: Counted) -> str:
    """What is said of the replies that count."""
    return "are judged hostile" if counted == "judge" else "have a listed word"
