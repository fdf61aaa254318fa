"""A run that was made again: which verdicts and numbers of the ledger moved."""

import pytest

from phoque.report.claims import ledger
from phoque.run.manifest import Made
from tests.report_files import a_run, judged, saved
from tools.remade import HEAD, main, page


def rows(text):
    """The cells of every claim by its words."""
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {
        one[0]: dict(zip(HEAD, one, strict=True)) for one in cells if one[0] not in (HEAD[0], "---")
    }


def claim(name):
    return next(one.claim for one in ledger().claims if one.id == name)


@pytest.fixture
def runs(tmp_path):
    before = {"base": 0.5, "neutral": 0.45, "random_vector": 0.6, "toxic": 0.95, "steered": 0.9}
    after = before | {"toxic": 0.93, "steered": 0.55}
    return [signed(tmp_path / name / "lab", own) for name, own in (("old", before), ("new", after))]


def signed(folder, chances):
    """A run whose judgement is in the manifest, as the ledger wants it."""
    run = a_run(folder, **chances).run
    run.describe(stages=run.manifest().stages | {"evaluate": Made()})
    saved(run, judged(**chances))
    return run


def test_every_claim_stands_there_with_both_verdicts_and_what_moved(runs):
    text = page(*runs)
    found = rows(text)
    assert {*found} == {one.claim for one in ledger().claims}
    changed = {name for name, row in found.items() if row["verdict before"] != row["verdict after"]}
    steered = found[claim("vector-causes")]
    assert claim("vector-causes") in changed
    assert (steered["before"], steered["after"]) == ("0.90 [0.85, 0.95]", "0.55 [0.50, 0.60]")
    assert (steered["difference"], steered["intervals"]) == ("-0.35", "apart")
    toxic = found[claim("switch")]
    assert (toxic["difference"], toxic["intervals"]) == ("-0.02", "overlap")
    total = len(ledger().claims)
    assert text.splitlines()[2].startswith(f"{total - len(changed)} of {total} verdicts are the sa")
    assert text.index("Verdicts that changed") < text.index(claim("vector-causes"))


def test_a_run_beside_itself_has_every_verdict_again(runs, tmp_path):
    out = tmp_path / "remade.md"
    main([str(runs[0].path), str(runs[0].path), "--out", str(out)])
    total = len(ledger().claims)
    assert f"{total} of {total} verdicts are the same." in out.read_text()
    assert "Verdicts that changed" not in out.read_text()


def test_runs_of_two_personas_are_refused_in_one_line(runs, tmp_path):
    runs[1].describe(persona="pluribus")
    out = tmp_path / "remade.md"
    with pytest.raises(SystemExit, match="toxic on lab, pluribus on lab"):
        main([*map(str, (one.path for one in runs)), "--out", str(out)])
    assert not out.exists()
