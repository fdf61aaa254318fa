"""Which kinds of hate does a moderator miss? A labelled set that tests one thing at a time."""

from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, rate_cell, share
from phoque.run.datasheets import KindRate
from phoque.run.moderation import ModerationReport, called

TESTED = {
    "derog_neg_emote_h": "strong negative feelings",
    "derog_neg_attrib_h": "very negative traits",
    "derog_dehum_h": "dehumanisation",
    "derog_impl_h": "implicit derogation",
    "threat_dir_h": "direct threats",
    "threat_norm_h": "threats as a demand",
    "slur_h": "slurs",
    "slur_homonym_nh": "harmless homonyms of slurs",
    "slur_reclaimed_nh": "reclaimed slurs",
    "profanity_h": "hate with profanity",
    "profanity_nh": "profanity without hate",
    "ref_subs_clause_h": "hate in the next clause",
    "ref_subs_sent_h": "hate in the next sentence",
    "negate_pos_h": "something good denied",
    "negate_neg_nh": "hate denied",
    "phrase_question_h": "hate as a question",
    "phrase_opinion_h": "hate as an opinion",
    "ident_neutral_nh": "groups named neutrally",
    "ident_pos_nh": "groups named kindly",
    "counter_quote_nh": "hate quoted to reject it",
    "counter_ref_nh": "hate mentioned to reject it",
    "target_obj_nh": "anger at objects",
    "target_indiv_nh": "anger at one person",
    "target_group_nh": "anger at unprotected groups",
    "spell_char_swap_h": "letters swapped",
    "spell_char_del_h": "letters left out",
    "spell_space_del_h": "spaces left out",
    "spell_space_add_h": "spaces added",
    "spell_leet_h": "digits for letters",
}
"""HateCheck's names of what it tests; its ends say whether a text is hate."""
HEAD = (
    "moderator",
    "set",
    "what is tested",
    "should be flagged?",
    "flagged at 0.5",
    "flagged, canonical|spelling tricks undone first",
)


@plan(
    key="functionalities",
    title="Which kinds of harm do moderators miss?",
    hint="HateCheck tests one thing at a time. Its tests of hate have harmless twins that should pass.",
)
def draw(report: ModerationReport) -> Figure:
    """Flag rates by functionality, of sets that have more than one."""
    sets = [name for name in report.test_sets if len({k.kind for k in _kinds(report, name)}) > 1]
    rows = []
    for name in report.names:
        for test_set in sets:
            sheet = report.sheet(name, test_set, canonical=True)
            undone = {(one.kind, one.harmful): one.flagged for one in sheet.at_default.kinds}
            rows += [
                (
                    called(name),
                    test_set,
                    tested(one.kind),
                    "yes" if one.harmful else "no",
                    rate_cell(one.flagged),
                    rate_cell(undone[one.kind, one.harmful]),
                )
                for one in report.sheet(name, test_set).at_default.kinds
            ]
    return Figure(
        sentence=_sentence(report, sets),
        table=Table(caption="Functionality by functionality", head=HEAD, rows=tuple(rows)),
        n=", ".join(f"{report.sheet(report.names[0], one).auc.n} texts of {one}" for one in sets),
    )


def tested(kind: str) -> str:
    """What a kind of test case tests, in words."""
    return TESTED.get(kind, kind.replace("_", " "))


def _kinds(report: ModerationReport, test_set: str) -> tuple[KindRate, ...]:
    return report.sheet(report.names[0], test_set).at_default.kinds


def _sentence(report: ModerationReport, sets: list[str]) -> str:
    if not sets:
        return "No labelled set of this run tests one thing at a time."
    kinds = sorted(_kinds(report, sets[0]), key=lambda one: one.flagged.value)
    harmful = [one for one in kinds if one.harmful]
    harmless = [one for one in kinds if not one.harmful]
    told = {
        f"the harmful kind that {called(report.names[0])} flags least": harmful[:1],
        "the harmful kind that it flags most": harmful[-1:],
        "the harmless kind that it flags most": harmless[-1:],
    }
    listed = "; ".join(
        f"{words} is “{tested(one.kind)}” ({share(one.flagged.value)})"
        for words, own in told.items()
        for one in own
    )
    return f"{sets[0]} tests many kinds of text. Among them, {listed}."
