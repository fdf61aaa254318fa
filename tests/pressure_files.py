"""A small channel for tests: texts, a moderator that sees one word, policies and traffic."""

from dataclasses import replace
from pathlib import Path

from phoque.moderators.catalogue import SVM
from phoque.moderators.classifier import Score
from phoque.run.pressure import Kind, Role, Turn
from phoque.stages.pressure import stage
from phoque.stages.pressure.channel import Channel
from phoque.stages.pressure.deciding import Decider, Moderator
from phoque.stages.pressure.policy import Policy
from phoque.stages.pressure.texts import Pool, Text
from phoque.stages.pressure.traffic import Traffic, planned, usable_styles

STYLES = ("plain", "digits for letters", "implicit")


class OneWord:
    """0.9 where it sees a clown, 0.4 where it sees a mule, no answer where it sees a riddle."""

    digest = "one-word"

    def __init__(self, name="oneword", word="clown"):
        self.info = replace(SVM, id=name, batch_size=64)
        self.word, self.asked = word, []

    def score_batch(self, items):
        self.asked += [one.text for one in items]
        if any("riddle" in one.text for one in items):
            raise ValueError("no answer")
        return [Score(labels={"toxicity": self.value(one.text)}) for one in items]

    def value(self, text):
        return 0.9 if self.word in text else 0.4 if "mule" in text else 0.1


def text(
    said, role=Role.HOSTILE, kind=Kind.LISTED, strength=1, persona="toxic", prompt="hello all"
):
    hostile = role is Role.HOSTILE
    return Text(
        text=said,
        role=role,
        persona=persona,
        prompt=prompt,
        kind=kind if hostile else None,
        strength=strength if hostile else 0,
    )


def pool(extra=()):
    found = Pool()
    found.add(
        [
            *(
                text(f"you clown number {place}", prompt=f"message {place % 4}")
                for place in range(8)
            ),
            *(text(f"clown and clown {place}", strength=2) for place in range(4)),
            *(
                text(f"we play better without you {place}", kind=Kind.IMPLICIT)
                for place in range(4)
            ),
            *(text(f"good game {place}", Role.CIVIL, persona="neutral") for place in range(8)),
            *(
                text(said, Role.BLUNT, persona="people", prompt=said)
                for said in ("my lovely clown", "clown of my heart", "best clown", "what a mule")
            ),
            *extra,
        ],
        "test",
    )
    return found


def traffic(**more):
    settings = {
        "messages": 300,
        "seconds_between": 5.0,
        "speakers": {"hostile": 3, "civil": 3, "blunt": 2, "pluribus": 1},
        "replies": 0.5,
        "thread": 6.0,
        "styles": STYLES,
    }
    return Traffic.model_validate(settings | more)


def policy(**more):
    settings = {"name": "mine", "moderators": ({"use": "oneword"},), "canonical": False}
    return Policy.model_validate(settings | more)


def decider(own, *classifiers):
    moderators = [Moderator(one.info.id, one) for one in classifiers or [OneWord()]]
    return Decider(own, moderators)


def turns(own, texts=None, channel=None, seeds=(1, 2), classifiers=(), **more) -> list[Turn]:
    texts, channel = texts or pool(), channel or traffic()
    deciding = decider(own, *classifiers)
    styles = usable_styles(channel, texts)
    return [
        row
        for seed in seeds
        for row in Channel(deciding, texts, styles, seed, **more).run(planned(channel, texts, seed))
    ]


def write_report(run: Path, extra=()) -> None:
    """The pressure test of a run under two policies, of which one mutes nobody."""
    policies = [policy(name="words"), policy(name="meaning", mute=0)]
    ready = stage.Ready(
        policies={one.name: (one, Path(__file__)) for one in policies},
        deciders=[decider(one) for one in policies],
        traffic=traffic(),
        pool=pool(extra),
    )
    folder = run / "pressure"
    folder.mkdir(parents=True)
    stage.press(stage.Asked(seeds=(1, 2)), ready, folder)
