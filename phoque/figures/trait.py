"""How figures name what replies are counted by."""

from phoque.personas import Counted


def replies(counted: Counted) -> str:
    return "replies judged hostile" if counted == "judge" else "replies with a listed word"


def are(counted: Counted) -> str:
    return "are judged hostile" if counted == "judge" else "have a listed word"
