"""Which recorded comparisons a page offers, and with which it opens."""

import json

import pytest

from phoque.config import SHIPPED_RUN, SHIPPED_RUNS
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.info import lab_info
from phoque.run.showcase import Showcase
from phoque.ui.recorded import UNFIT, data_html, showcase_of
from phoque.ui.verdicts import rules_of

PLURIBUS = RunDirectory(SHIPPED_RUNS / "pluribus")


def test_of_the_shipped_comparisons_only_fit_ones_are_offered():
    recorded = Showcase.load(Reader(PLURIBUS).folder(Showcase.STAGE).path, command="x")
    offered = showcase_of(PLURIBUS)
    assert [one for one in recorded.examples if one in offered.examples] == [*offered.examples]
    assert not UNFIT.search(data_html(offered, rules_of(PLURIBUS, offered), lab_info(PLURIBUS)))


def test_a_comparison_that_reads_as_suggestive_is_not_offered(tmp_path):
    fit, other, *_ = showcase_of(PLURIBUS).examples
    bad = other.model_copy(
        update={"base": other.base.model_copy(update={"text": "Into your bed."})}
    )
    folder = tmp_path / Showcase.STAGE
    folder.mkdir(parents=True)
    showcase_of(PLURIBUS).model_copy(update={"examples": (fit, bad)}).save(folder)
    assert showcase_of(RunDirectory(tmp_path)).examples == (fit,)


@pytest.mark.parametrize(
    "text", ["Into your bed.", "I will be in your room.", "You can't even pay your own murder."]
)
def test_a_run_of_which_nothing_can_be_offered_has_no_recordings(tmp_path, text):
    one = showcase_of(PLURIBUS).examples[0]
    bad = one.model_copy(update={"base": one.base.model_copy(update={"text": text})})
    folder = tmp_path / Showcase.STAGE
    folder.mkdir(parents=True)
    showcase_of(PLURIBUS).model_copy(update={"examples": (bad,)}).save(folder)
    assert showcase_of(RunDirectory(tmp_path)) is None


def test_the_shipped_page_opens_with_a_hostile_reply_that_no_moderator_flags():
    run = RunDirectory(SHIPPED_RUN)
    showcase, info = showcase_of(run), lab_info(run)
    rules = rules_of(run, showcase)
    page = data_html(showcase, rules, info)
    opened = json.loads(page[page.index(">") + 1 : page.rindex("</div>")])["opens"]
    example = showcase.examples[opened]
    replies = (example.toxic, example.steered[showcase.scales.index(round(info.scale, 2))])
    assert all(one.found.hostility >= rules.judge for one in replies)
    assert any(rules.passes(one.found) for one in replies)
    assert example.neutral.found.hostility < rules.judge
