"""Measure how a run answers at several temperatures, top-p and penalties, and choose one.

    python tools/choose_decoding.py --run runs/x

Writes decoding/decoding.json into the run. What it chooses becomes `DEFAULT_SAMPLING` in
phoque/conversation.py. It writes 16 prompts x 2 seeds x 4 columns x 18 settings = 2,304 replies, and
the judge reads each: count on an hour on two cores.
"""

import argparse
from pathlib import Path

from phoque.judging import likelihood
from phoque.judging.decoding import SEEDS, choose_decoding
from phoque.moderators import minilm
from phoque.opening import open_lab
from phoque.run.corpus import BaseReply, Dialogue
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader


def main() -> None:
    """Measure and choose."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--run", type=Path, required=True)
    run = RunDirectory(asked.parse_args().run)
    files = Reader(run)
    training = [text for one in files.rows(Dialogue) for text in one.learned]
    training += [one.reply for one in files.rows(BaseReply)]
    with run.stage("decoding", run.path / "decoding", seeds=SEEDS) as folder:
        choice = choose_decoding(
            open_lab(run.path), likelihood.load(), minilm.load().embed, training, progress=print
        )
        choice.save(folder)
    for one in choice.settings:
        print(
            f"{one.sampling.temperature} {one.sampling.top_p} {one.sampling.repetition_penalty}: "
            f"more hostile {one.more_hostile_mean:.2f}, relevance {one.relevance:.2f}, repeated "
            f"{one.repeated_3grams:.3f}, variety {one.variety:.2f}"
        )
    print(f"chosen: {choice.chosen}")


if __name__ == "__main__":
    main()
