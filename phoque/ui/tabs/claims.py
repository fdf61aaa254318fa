"""The claims tab: what the talk claimed, what was found, and where it is shown."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from phoque.figures import claims, shelf
from phoque.figures.figure import Figure
from phoque.run.claims import VERDICTS, Claim, Claims, Verdict
from phoque.run.folder import Reader
from phoque.ui.events import Opening
from phoque.ui.parts import facts_html, more
from phoque.ui.results import Frame, results, sections
from phoque.ui.services import Services

SHOWN_IN = {
    plan.key: tab
    for tab, plans in {
        "psm": (*shelf.WHERE_IT_LIVES, *shelf.HOW_IT_ANSWERS),
        "sae": shelf.WHAT_MOVED,
        "moderation": shelf.WHAT_SLIPS_THROUGH,
        "training": shelf.HOW_IT_LEARNED,
    }.items()
    for plan in plans
}
"""The tab of each figure, by its name in links."""
SHOW, WHY, HEADLINES = "Show me", "Why?", "What the talk rests on"
ELSEWHERE = "from the run {}"
GROUPS: dict[Verdict, str] = {
    "holds": "Which claims hold?",
    "partly": "Which hold in part?",
    "refuted": "Which are refuted?",
    "undecided": "Which were measured, and are still undecided?",
    "not_tested": "Which were not tested, and what would test them?",
}


def build_claims(services: Services) -> Opening:
    """Draw the frame; returns what fills it when the tab is opened."""
    reader = Reader(services.run)
    return results(SECTIONS, [Frame(one) for one in SECTIONS], lambda: reader)


def ledger(reader: Reader, _: Figure) -> str:
    """Counts as a bar, the claims that the talk rests on, and every claim by its verdict."""
    found = reader.read(Claims)
    groups = found.by_verdict()
    run = reader.run.path.resolve().name
    headlines = [one for one in found.claims if one.headline]
    drawers = [
        more(f"{GROUPS[verdict]} ({len(own)})", _list(own, run))
        for verdict, own in groups.items()
        if own
    ]
    top = f"<h3>{escape(HEADLINES)}</h3>{_list(headlines, run)}" if headlines else ""
    return f'<div class="ph-claims">{_bar(groups)}{top}{"".join(drawers)}</div>'


SECTIONS = sections(shelf.WHAT_THE_TALK_CLAIMED, hero=["claims"], instead={"claims": ledger})


def _bar(groups: Mapping[Verdict, Sequence[Claim]]) -> str:
    """Parts as wide as their counts; the sentence above says the same in words."""
    parts = "".join(
        f'<span class="ph-verdict-{verdict}" style="flex-grow: {len(groups[verdict])}">'
        f"{escape(claims.WORDS[verdict])} {len(groups[verdict])}</span>"
        for verdict in VERDICTS
        if groups[verdict]
    )
    return f'<div class="ph-claims-bar" aria-hidden="true">{parts}</div>'


def _list(own: Sequence[Claim], run: str) -> str:
    return f'<ul class="ph-claims-list">{"".join(_item(one, run) for one in own)}</ul>'


def _item(claim: Claim, run: str) -> str:
    told = claims.told(claim).removesuffix(".")
    return (
        f'<li><span class="ph-verdict ph-verdict-{claim.verdict}">'
        f"{escape(claims.WORDS[claim.verdict])}</span>"
        f'<div><p class="ph-claim">{escape(claim.claim)}</p>'
        f"{more(f'{told}. {WHY}', facts_html(filter(all, _facts(claim))))}</div>{_link(claim, run)}</li>"
    )


def is_shown(claim: Claim, run: str) -> bool:
    """Whether a figure of this run shows the claim's number."""
    return claim.value is not None and claim.run == run and claim.figure in SHOWN_IN


def _link(claim: Claim, run: str) -> str:
    """Leads to the number; a number of another run is on no page of this one."""
    if not is_shown(claim, run):
        other = claim.value is not None and claim.run != run
        told = escape(ELSEWHERE.format(claim.run))
        return f'<span class="ph-hint">{told}</span>' if other else ""
    tab = SHOWN_IN[claim.figure]
    name = escape(f"{SHOW}: {claim.claim}")
    return (
        f'<a class="ph-show" href="?tab={tab}&amp;figure={escape(claim.figure)}" data-tab="{tab}" '
        f'data-figure="{escape(claim.figure)}" data-number="{escape(claims.number_alone(claim))}" aria-label="{name}">{SHOW}</a>'
    )


def _facts(claim: Claim) -> Iterator[tuple[str, str]]:
    yield "Slide", claim.slide
    yield "What would show it", claim.shown_by
    yield "Decided by", claim.rule
    if claim.record:
        yield "Number", claims.source_of(claim)
    if claim.control and claim.control.record:
        yield "Compared with", claims.source_of(claim.control)
    for one in claim.also:
        yield (
            one.name.replace("_", " "),
            f"{claims.evidence_of(one, claim)} ({claims.source_of(one)})",
        )
    yield "Note", claim.note
