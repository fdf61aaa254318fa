"""How figures name what a sweep chose by."""

from phoque.run.psm import Selection


def replies(selection: Selection) -> str:
    """What is counted."""
    judged = selection.trait.by == "judge"
    return "replies judged hostile" if judged else "replies with a listed word"


def are(selection: Selection) -> str:
    """What is said of the replies that count."""
    return "are judged hostile" if selection.trait.by == "judge" else "have a listed word"
