"""Each file of the shipped run missing, cut, replaced or of another version: it costs its sections only."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from phoque.config import SHIPPED_RUN, AppSettings
from phoque.errors import PhoqueError
from phoque.figures import attempts
from phoque.figures.table import NOTHING
from phoque.run.directory import MANIFEST, RunDirectory
from phoque.run.folder import Reader
from phoque.run.manifest import Asked, Attempt, Attempts, Manifest
from phoque.run.record import VERSION_KEY
from phoque.run.showcase import Showcase
from phoque.ui import demo
from phoque.ui.moderation.judging import queue_html
from phoque.ui.pressure.section import SECTION
from phoque.ui.psm.sections import SECTIONS as PSM
from phoque.ui.results import rendered
from phoque.ui.tabs.claims import SECTIONS as CLAIMS
from phoque.ui.tabs.moderation import SECTIONS as MODERATION
from phoque.ui.tabs.psm import persona_of
from phoque.ui.tabs.sae import SECTIONS as SAE
from phoque.ui.tabs.training import SECTIONS as TRAINING
from tests.ui.fakes import FakeServices

ALL = (*PSM, *SAE, *MODERATION, *TRAINING, *CLAIMS, SECTION)
KINDS = sorted(
    {kind for one in ALL for kind in one.plan.takes},
    key=lambda kind: (kind.STAGE, kind.FILE, kind.__name__),
)
THERE = [
    kind for kind in KINDS if Reader(RunDirectory(SHIPPED_RUN)).folder(kind.STAGE).has(kind.FILE)
]


def missing(file: Path) -> None:
    file.unlink()


def cut(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * 2 // 3])


def other_bytes(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00" * 100)


def other_shape(file: Path) -> None:
    text = b'{"some": [1, {"thing": null}]}\n'
    file.write_bytes(gzip.compress(text) if file.suffix == ".gz" else text)


def older(file: Path) -> None:
    """Without a version, as files of the first versions were."""
    data = json.loads(file.read_text()) if file.suffix == ".json" else None
    if isinstance(data, dict):
        file.write_text(json.dumps({key: data[key] for key in data if key != VERSION_KEY}))


def newer(file: Path) -> None:
    data = json.loads(file.read_text()) if file.suffix == ".json" else None
    if isinstance(data, dict):
        file.write_text(json.dumps({**data, VERSION_KEY: 999}))


SURE = (missing, cut, other_bytes, other_shape)
"""After these nothing of the file can be told."""


def copied(tmp_path, folder: str, name: str) -> tuple[Reader, Path]:
    """The shipped run with a file of its own, beside links to all others."""
    run = tmp_path / "lab"
    run.mkdir()
    for one in SHIPPED_RUN.iterdir():
        (run / one.name).symlink_to(one)
    if folder not in ("", "."):
        (run / folder).unlink()
        (run / folder).mkdir()
        for one in (SHIPPED_RUN / folder).iterdir():
            (run / folder / one.name).symlink_to(one)
    file = run / folder / name
    file.unlink()
    shutil.copyfile(SHIPPED_RUN / folder / name, file)
    return Reader(RunDirectory(run)), file


@pytest.mark.parametrize(
    "kind", THERE, ids=lambda kind: f"{kind.STAGE}/{kind.FILE}-{kind.__name__}"
)
def test_a_damaged_file_costs_its_sections_only(kind, tmp_path):
    for damage in (missing, cut, other_bytes, other_shape, older, newer):
        own = tmp_path / damage.__name__
        own.mkdir()
        reader, file = copied(own, reader_folder(kind), kind.FILE)
        damage(file)
        touched = [one for one in ALL if kind in one.plan.takes]
        for section in touched:
            shown = rendered(section, reader)
            told = shown.head + shown.tail
            if damage in SURE and kind in section.plan.needs:
                assert "ph-gap" in told, (damage.__name__, section.plan.key)
            if "ph-gap" in told:
                assert "phoque " in told or "python tools/" in told, section.plan.key


def reader_folder(kind) -> str:
    return Reader(RunDirectory(SHIPPED_RUN)).folder(kind.STAGE).name


@pytest.mark.parametrize("damage", SURE)
def test_a_damaged_manifest_costs_no_figure(damage, tmp_path):
    reader, file = copied(tmp_path, ".", MANIFEST)
    whole = Reader(RunDirectory(SHIPPED_RUN))
    others = [one for one in ALL if Manifest not in one.plan.needs]
    before = {one.plan.key for one in others if rendered(one, whole).figure}
    damage(file)
    assert {one.plan.key for one in others if rendered(one, reader).figure} == before
    assert persona_of(reader) == "persona"
    assert "ph-queue" in queue_html(reader)


@pytest.mark.parametrize("damage", [cut, other_bytes, other_shape, newer])
def test_without_its_recordings_the_chat_asks_the_model(damage, tmp_path):
    reader, file = copied(tmp_path, Showcase.STAGE, Showcase.FILE)
    damage(file)
    page = demo.build_demo(FakeServices(run=reader.run))
    told = [one.value for one in page.blocks.values() if "ph-gap" in str(getattr(one, "value", ""))]
    assert [Showcase.FILE in one for one in told] == [True]
    page.close()


def test_a_second_run_that_is_broken_is_left_out(tmp_path, monkeypatch, caplog):
    broken = tmp_path / "pluribus"
    broken.mkdir()
    (broken / MANIFEST).write_text('{"schema_version": 1, "stages": {}, "persona": "pluribus"}')
    monkeypatch.setattr(demo, "other_runs", lambda _: [broken])
    settings = AppSettings(run=None, model=None, host="127.0.0.1", port=0, zero_gpu=False)
    monkeypatch.setattr(demo.Services, "start", lambda _: None)
    page, _ = demo.opened(settings)
    assert "pluribus is not shown: " in caplog.text
    page.close()


def test_a_run_that_is_broken_is_refused_in_one_line(tmp_path):
    settings = AppSettings(run=str(tmp_path), model=None, host="127.0.0.1", port=0, zero_gpu=False)
    with pytest.raises(PhoqueError, match=r"is not a run.*phoque run all"):
        demo.opened(settings)


def test_a_clock_that_was_set_back_makes_no_negative_time():
    attempt = Attempt(
        number=1,
        asked=Asked(stages=("corpus", "persona")),
        retry=False,
        started="2026-01-01T12:00:00+00:00",
        ended="2026-01-01T11:00:00+00:00",
        stages={"corpus": 60.0},
        at="persona",
    )
    table = attempts.draw(Attempts(attempts=(attempt,))).table
    assert table.rows[0][table.words.index("time")] == NOTHING
