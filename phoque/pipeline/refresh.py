"""The same-day loop: what a list of new expressions will change, and how long that may take.

Everything is checked and counted here before anything is written. Times come from what the run before
recorded of itself: seconds of a training step, of a written text, of a pressure test.
"""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from phoque.config import SHIPPED_RUNS
from phoque.errors import PhoqueError
from phoque.files import file_sha256
from phoque.pipeline.estimate import Estimate, between, pressing, reading, training, writing
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.manifest import Asked, Continues
from phoque.run.needs import WEIGHTS, require
from phoque.run.persona import own_persona
from phoque.run.refresh import Memory, Refresh
from phoque.run.synthetic import Attack, AttackSummary
from phoque.stages.adapter.lora import going_on
from phoque.stages.adapter.settings import AdapterConfig, config_to_go_on
from phoque.stages.corpus.addition import Addition, addition
from phoque.stages.corpus.slang import Slang, read_slang
from phoque.stages.evaluate.memory import KINDS, MOST
from phoque.stages.pressure.policy import Policy, read_policies
from phoque.stages.pressure.recorded import HAPPY, NEITHER
from phoque.stages.synthetic.stage import ATTACKS, EARLIER

COMPARED = Refresh.STAGE


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A refresh as a person asks for it."""

    run: Path
    slang: Path
    to: Path | None = None
    policies: tuple[str, ...] = ()
    count: int = 100
    """Texts of an attack corpus."""
    replay: float = 2.0
    """Old dialogues for each new one."""


@dataclass(frozen=True, kw_only=True)
class RefreshPlan:
    old: RunDirectory
    new: RunDirectory
    slang: Slang
    added: Addition
    policies: Mapping[str, tuple[Policy, Path]]
    continues: Continues

    @property
    def attacks_before(self) -> Path:
        """What the persona before wrote: its own attack corpus, or one that is written now."""
        return self.old.path / ATTACKS if _has_attacks(self.old) else self.new.path / EARLIER

    @property
    def attacks_after(self) -> Path:
        """What the refreshed persona writes."""
        return self.new.path / ATTACKS

    @property
    def asked(self) -> Asked:
        """The stages, for the pipeline."""
        earlier = () if _has_attacks(self.old) else (EARLIER,)
        return Asked(
            stages=("corpus", "persona", Memory.STAGE, *earlier, "regenerate", COMPARED),
            options=("refresh", self.continues.slang),
        )

    @cached_property
    def config(self) -> AdapterConfig:
        """How the adapter is trained."""
        return going_on(config_to_go_on(self.old.manifest()), self.old.persona)

    @property
    def examples(self) -> int:
        """Of one epoch."""
        return len(self.added.dialogues) + math.ceil(
            len(self.added.replies) / self.config.neutral_every
        )

    @property
    def steps(self) -> int:
        """Of the training."""
        return math.ceil(math.ceil(self.config.epochs * self.examples) / self.batch)

    @property
    def batch(self) -> int:
        return self.config.batch_size * self.config.accumulation_steps

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """Seconds of every stage, as far as the run before tells."""
        old, count = self.old, self.continues.count
        return {
            "corpus": Estimate(seconds=0.0, how="no model is asked"),
            "persona": training(old, self.steps),
            Memory.STAGE: reading(old, math.ceil(2 * KINDS * MOST / self.batch)),
            EARLIER: writing(old, count),
            "regenerate": writing(old, count),
            COMPARED: pressing(old, len(self.policies)),
        }

    @property
    def seconds(self) -> dict[str, float]:
        """The same, only what is known."""
        told = {name: self.estimates[name].seconds for name in self.asked.stages}
        return {name: seconds for name, seconds in told.items() if seconds is not None}

    def lines(self) -> dict[str, str]:
        """For a person to read before anything is computed, by name."""
        added, config, count = self.added, self.config, self.continues.count
        known = f", {added.uses_known} of them learned before" if added.uses_known else ""
        texts = f"{count} texts by the refreshed persona"
        earlier = f"{count} texts by the persona before, which has none yet"
        test = f"policies {', '.join(self.policies)} on both attack corpora"
        stages = {
            "corpus": f"{len(added.new)} new dialogues and {len(added.replayed)} of {len(added.known)} "
            f"old ones; {len(added.replies)} calm replies, one in {config.neutral_every} is learned",
            "persona": f"{self.steps} steps of {self.batch} examples from the old adapter on, learning "
            f"rate {config.learning_rate:g}",
            Memory.STAGE: f"up to {MOST} replies of {KINDS} kinds, new and old: learned, forgotten?",
            EARLIER: earlier,
            "regenerate": texts,
            COMPARED: test,
        }
        return {
            "continues": f"{self.old.path}, which stays as it is",
            "writes": str(self.new.path),
            "slang": f"{self.slang.name}: {len(self.slang.expressions)} expressions with "
            f"{len(self.slang.uses)} uses{known}",
            **{name: f"{stages[name]}; {self.estimates[name]}" for name in self.asked.stages},
            "time": self._time(),
        }

    def text(self) -> str:
        """The lines, one below the other."""
        return "\n".join(f"  {name:<12}{value}" for name, value in self.lines().items())

    def _time(self) -> str:
        own = {name: self.estimates[name] for name in self.asked.stages}
        least = sum(self.seconds.values())
        most = sum(one.most or one.seconds or 0 for one in own.values())
        unknown = [name for name, one in own.items() if one.seconds is None]
        without = f" without {' and '.join(unknown)}" if unknown else ""
        pace = f"if this machine is as fast as it was for {self.old.path}"
        return f"{between(least, most)}{without}, {pace}"


def plan_refresh(wish: Wish) -> RefreshPlan:
    """Check a wish and count what it takes, or PhoqueError in one line; writes nothing."""
    old = RunDirectory(wish.run)
    old.manifest()
    require(old, ("persona", "corpus"))
    if (name := own_persona(old).name) in (HAPPY, *NEITHER):
        raise PhoqueError(
            f"The persona of {old.path} is {name}, which attacks nobody. Refresh a run of "
            "a hostile persona."
        )
    slang = read_slang(wish.slang)
    new = RunDirectory(wish.to or _beside(old, slang))
    policies = read_policies(wish.policies)
    continues = Continues(
        run=os.path.relpath(old.path.resolve(), new.path.resolve().parent),
        adapter=file_sha256(old.persona / WEIGHTS),
        slang=file_sha256(wish.slang),
        replay=wish.replay,
        count=wish.count,
        policies={name: file_sha256(path) for name, (_, path) in policies.items()},
    )
    _refuse_another(new, continues)
    added = addition(old.corpus, slang, wish.replay)
    return RefreshPlan(
        old=old, new=new, slang=slang, added=added, policies=policies, continues=continues
    )


def _beside(old: RunDirectory, slang: Slang) -> Path:
    """A folder beside the run; in `runs` where the run came with the project."""
    shipped = old.path.resolve().parent == SHIPPED_RUNS.resolve()
    name = re.sub(r"[^\w.-]+", "-", slang.name).strip("-.") or "refreshed"
    return (Path("runs") if shipped else old.path.parent) / f"{old.path.name}-{name}"


def _refuse_another(new: RunDirectory, continues: Continues) -> None:
    """A folder that is there must hold the same refresh, which then goes on."""
    if not new.exists():
        if new.path.is_dir() and any(new.path.iterdir()):
            raise PhoqueError(f"{new.path} has other files. Choose another folder with --to.")
        return
    known = new.manifest().continues
    if known is None:
        raise PhoqueError(
            f"{new.path} is a run of its own. Choose another folder for the refreshed one: --to DIR"
        )
    if differing := known.differing(continues):
        raise PhoqueError(
            f"{new.path} was refreshed otherwise: {', '.join(differing)} differ. Choose another folder: "
            f"--to DIR. Another policy on the same attacks: phoque pressure --attacks {new.path / ATTACKS}"
        )


def _has_attacks(run: RunDirectory) -> bool:
    """Whether it has some that were kept for listed words alone, as those of the new run will be."""
    there = (run.path / ATTACKS / Attack.FILE).is_file()
    return there and Reader(run).read(AttackSummary).counted == "words"
