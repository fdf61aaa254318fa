"""The files of the moderation stage, each made by one method that returns what is in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from phoque.files import write_json
from phoque.lab import Lab
from phoque.moderators.catalogue import MEAN
from phoque.moderators.classifier import Classifier
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.moderation.candidates import Candidate, candidates, rows_of_candidates
from phoque.stages.moderation.contour import contour_of
from phoque.stages.moderation.friendly import prompts_by_category, replies_by_scale, replies_of
from phoque.stages.moderation.scored import Moderated, moderate
from phoque.stages.moderation.sweep import sweep_of
from phoque.steering.experiment import Progress, silent


@dataclass(frozen=True, kw_only=True)
class ModerationFiles:
    """A folder, the lab that writes the replies and the moderators that score them.

    Every method raises PhoqueError where a moderator failed or may not be sent text.
    """

    folder: Path
    lab: Lab
    classifiers: Sequence[Classifier]
    may_send_text: bool = False
    progress: Progress = silent

    def results(self, seeds: Sequence[int]) -> list[Moderated]:
        """`moderation_results.csv`: every reply to the friendly messages with every score."""
        prompts = prompts_by_category()
        replies = replies_of(self.lab, self._texts(), seeds, self.progress)
        found = moderate(replies, prompts, self.classifiers, may_send_text=self.may_send_text)
        table = pd.DataFrame(one.row() for one in found)
        table.to_csv(self.folder / "moderation_results.csv", index=False)
        return found

    def sweep(self, found: Sequence[Moderated]) -> dict[str, Any]:
        """`moderation_sweep.json`: every rate at every threshold."""
        self.progress("rates at every threshold")
        sweep = sweep_of(found)
        write_json(self.folder / "moderation_sweep.json", sweep, indent=None)
        return sweep

    def contour(self) -> dict[str, Any]:
        """`contour.json`: scale against threshold."""
        texts = self._texts()
        contour = contour_of(
            replies_by_scale(self.lab, texts, self.progress),
            texts,
            self.classifiers,
            selected=self.lab.selection.scale,
            may_send_text=self.may_send_text,
        )
        write_json(self.folder / "contour.json", contour, indent=None)
        return contour

    def candidates(self, found: Sequence[Moderated]) -> list[Candidate]:
        """`gap_examples.csv`: what the embedded mean, else the first moderator, lets through."""
        by_name = {one.info.id: one for one in self.classifiers}
        moderator = by_name.get(MEAN.id, self.classifiers[0])
        chosen = candidates(found, moderator.info.id, self.lab.persona.lexicon)
        index = CorpusIndex.of_run(self.lab.run.corpus)
        rows = rows_of_candidates(chosen, moderator, index, may_send_text=self.may_send_text)
        pd.DataFrame(rows).to_csv(self.folder / "gap_examples.csv", index=False)
        return chosen

    def _texts(self) -> list[str]:
        return [text for own in prompts_by_category().values() for text in own]
