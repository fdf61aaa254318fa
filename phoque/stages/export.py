"""A run's persona model for other programs: merged weights, GGUF files, and a card."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phoque.conversation import Condition
from phoque.errors import PhoqueError
from phoque.files import file_sha256, replaced_folder, write_json
from phoque.lab import Lab
from phoque.models.embedded import Progress
from phoque.models.structure import text_config
from phoque.opening import open_lab
from phoque.run.directory import RunDirectory, source_commit
from phoque.steering.export import write_gguf

CONVERTER = "convert_lora_to_gguf.py"
"""llama.cpp's script that turns a PEFT adapter into a GGUF LoRA."""
VECTOR = "persona_vector.gguf"
LORA = "persona_lora.gguf"
RECORD = "export.json"
CARD = Path(__file__).with_name("export_card.md").read_text(encoding="utf-8")


def export_run(directory: RunDirectory, out: Path, progress: Progress) -> None:
    """Write what the lab runs, bit for bit, to a folder that is whole or absent.

    It holds the merged model in safetensors with its tokenizer (`load_model(out)` loads it), the
    selected vector as GGUF, the adapter as GGUF where llama.cpp's converter is on the PATH, a card,
    and `export.json`. PhoqueError where the folder exists, or the run or the converter fails.
    """
    with _whole_or_absent(out) as folder:
        lab = open_lab(directory.path, progress=progress)
        progress("Writing the merged model…")
        lab.model.model.save_pretrained(folder)
        lab.model.tokenizer.save_pretrained(folder)
        vector = lab.vectors[lab.selection.layer]
        model_type = text_config(lab.model.model).model_type
        write_gguf(vector, folder / VECTOR, model_type=model_type)
        _convert_adapter(directory.persona, folder, progress)
        (folder / "README.md").write_text(card_of_export(lab, directory), encoding="utf-8")
        _record(lab, directory, folder)


def _convert_adapter(adapter: Path, folder: Path, progress: Progress) -> None:
    converter = shutil.which(CONVERTER)
    if converter is None:
        progress(
            f"No {LORA}: llama.cpp's {CONVERTER} is not on the PATH. Put it there and export again."
        )
        return
    progress(f"Converting the adapter with {CONVERTER}…")
    # Of the base it reads only configuration and tokenizer, which merging leaves as they are.
    options: list[str | Path] = ["--base", folder, "--outfile", folder / LORA, "--outtype", "f16"]
    done = subprocess.run(
        [converter, *options, adapter], capture_output=True, text=True, check=False
    )
    if done.returncode or not (folder / LORA).is_file():
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise PhoqueError(
            f"{CONVERTER} wrote no {LORA} (status {done.returncode}): {said[-1]} "
            f"Repair llama.cpp's converter, or take it off the PATH to export without {LORA}."
        )


def card_of_export(lab: Lab, directory: RunDirectory) -> str:
    """The card of the merged model."""
    return CARD.format(
        run=lab.info.run,
        persona=lab.persona,
        base=directory.manifest().model,
        neutral=lab.info.system_prompts[Condition.NEUTRAL],
        toxic=lab.info.system_prompts[Condition.TOXIC],
        layer=lab.info.layer,
        scale=lab.info.scale,
        vector=VECTOR,
        record=RECORD,
    )


def _record(lab: Lab, directory: RunDirectory, folder: Path) -> None:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    record = {
        "run": lab.info.run,
        "model": directory.manifest().model,
        "made_of": dict(lab.vectors.fingerprint),
        "merged_digest": lab.model.digest(),
        "dtype": str(lab.model.model.dtype).removeprefix("torch."),
        "layer": lab.selection.layer,
        "scale": lab.selection.scale,
        "commit": source_commit(),
        "files": {str(file.relative_to(folder)): file_sha256(file) for file in files},
    }
    write_json(folder / RECORD, record)


@contextmanager
def _whole_or_absent(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its name when all went well, and is gone otherwise."""
    if out.exists():
        raise PhoqueError(f"{out} exists already. Name a folder that does not, or remove it first.")
    try:
        with replaced_folder(out) as partial:
            yield partial
    except OSError as error:
        raise PhoqueError(
            f"Cannot write {out}: {error}. Name a folder you may write to."
        ) from error
