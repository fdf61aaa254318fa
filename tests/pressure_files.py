"""A small channel for tests: texts, a moderator that sees one word, policies, traffic, files of them."""

import csv
from dataclasses import replace
from pathlib import Path

from phoque.cli.main import main
from phoque.moderators.catalogue import SVM
from phoque.moderators.classifier import Score
from phoque.run.evaluation import Reply
from phoque.run.manifest import Manifest
from phoque.run.pressure import Role, Turn
from phoque.stages.pressure import stage
from phoque.stages.pressure.channel import Channel
from phoque.stages.pressure.deciding import Decider, Moderator
from phoque.stages.pressure.policy import Policy
from phoque.stages.pressure.texts import Pool, Text
from phoque.stages.pressure.traffic import Traffic, planned, usable_styles
from tests.endpoint_double import BAD

STYLES = ("plain", "digits for letters", "implicit")
SMALL = """messages: 200
seconds_between: 5
speakers: {hostile: 3, civil: 3, blunt: 2, pluribus: 1}
replies: 0.5
thread: 5
styles: [plain, lower case, implicit]
"""
POLICY = (
    "name: {name}\nmoderators:\n  - decisions: decided.csv\ncanonical: false\nthreshold: {at}\n"
)
TRAFFIC = ("--corpus", "corpus.csv", "--traffic", "traffic.yaml", "--seed", "1", "--seed", "2")
"""What the command is asked in the folder that `prepared` fills."""


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


def text(said, role=Role.HOSTILE, strength=1, persona="toxic", prompt="hello all"):
    return Text(
        text=said,
        role=role,
        persona=persona,
        prompt=prompt,
        strength=strength if role is Role.HOSTILE else 0,
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
            *(text(f"we play better without you {place}", strength=0) for place in range(4)),
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


TWO = (policy(name="words"), policy(name="meaning", mute=0))
"""Policies of which one mutes nobody."""


def write_report(run: Path, extra=()) -> None:
    """The pressure test of a run under two policies."""
    policies = TWO
    ready = stage.Ready(
        policies={one.name: (one, Path(__file__)) for one in policies},
        deciders=[decider(one) for one in policies],
        traffic=traffic(),
        pool=pool(extra),
    )
    folder = run / "pressure"
    folder.mkdir(parents=True)
    stage.press(stage.Asked(seeds=(1, 2)), ready, folder)


def prepared(folder: Path, monkeypatch) -> Path:
    """A folder with a corpus, small traffic and two policies about decisions; the test works in it."""
    monkeypatch.chdir(folder)
    rows = [(f"you {BAD} number {n}", "true") for n in range(12)]
    rows += [(f"we play better without you {n}", "true") for n in range(6)]
    rows += [(f"good game {n}", "false") for n in range(12)]
    write("corpus.csv", ("text", "hostile"), rows)
    (folder / "traffic.yaml").write_text(SMALL)
    for name, at in (("strict", 0.5), ("mild", 0.9)):
        (folder / f"{name}.yaml").write_text(POLICY.format(name=name, at=at))
    return folder


def write(path, head, rows):
    with Path(path).open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def decide(path="decided.csv", score=0.7):
    """Judge every text of the traffic elsewhere: what has the word is scored as said."""
    assert main(["pressure", *TRAFFIC, "--write-texts", "texts.csv"]) == 0
    with Path("texts.csv").open(newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    write(path, ("text", "verdict"), [(one, score if BAD in one else 0.1) for one in texts])


def a_run(folder, persona, replies):
    """A run in which somebody wrote these: condition, message, text."""
    Manifest(stages={}, persona=persona).save(made(folder))
    facts = {"draw": 0, "num_tokens": 9, "finish_reason": "stop", "insults": 0}
    rows = [Reply(condition=c, prompt=p, text=t, **facts) for c, p, t in replies]
    Reply.save_rows(made(folder / "evaluation"), rows)
    return folder


def made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder
