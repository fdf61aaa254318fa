"""Civil and hostile messages in the residual stream, before and after tuning.

What tuning suppressed or released is read off two directions of the *base* model: `refusal` (from
civil to hostile messages, at the last prompt token) and `politeness` (from hostile to civil replies
to the same prompts, over the replies' tokens).

Shapes: N = messages, L = layers, D = width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from phoque.conversation import Message
from phoque.models.load import LanguageModel
from phoque.models.template import encode
from phoque.personas.controls import tone_pairs
from phoque.run.psm_rows import Position
from phoque.run.psm_vector import Direction, Geometry, MessageMap, Projections, Spread
from phoque.stages.corpus.training_set import read_dialogues
from phoque.stages.psm.subject import Subject
from phoque.stats.paired import half_width
from phoque.steering.capture import token_streams
from phoque.steering.geometry import explained_by_map, layer_maps, residual_geometry
from phoque.steering.vectors import last_tokens

NUM_REPLIES = 48
NUM_RANDOM = 100
RANDOM = "random"
DIGITS = 6
"""Of a position in the file, from which the record is computed."""


def map_residuals(subject: Subject) -> None:
    """Write `geometry.json`, and `positions.jsonl` with every probe's place along both directions."""
    models = {"base": subject.base, "tuned": subject.model}
    groups = {name: _tones(subject, model) for name, model in models.items()}
    everything = torch.cat([states for pair in groups.values() for states in pair])
    rows = _positions(subject, *groups["base"])
    Position.save_rows(subject.folder, [row for own in rows.values() for row in own])
    Geometry(
        pairs=len(tone_pairs()),
        layers={
            name: tuple(
                residual_geometry(layer, civil_NLD[:, layer], hostile_NLD[:, layer])
                for layer in range(civil_NLD.shape[1])
            )
            for name, (civil_NLD, hostile_NLD) in groups.items()
        },
        directions=tuple(_projections(*key, own) for key, own in rows.items()),
        map=MessageMap(
            groups=tuple(f"{name} {tone}" for name in models for tone in ("civil", "hostile")),
            size=len(tone_pairs()),
            points=_rounded(layer_maps(everything)),
            explained=tuple(explained_by_map(everything)),
        ),
    ).save(subject.folder)


def _tones(subject: Subject, model: LanguageModel) -> tuple[Tensor, Tensor]:
    civil, hostile = zip(*tone_pairs(), strict=True)
    system = subject.persona.neutral_prompt
    return last_tokens(model, system, civil), last_tokens(model, system, hostile)


def _positions(
    subject: Subject, civil_NLD: Tensor, hostile_NLD: Tensor
) -> dict[tuple[Direction, int], list[Position]]:
    """Per layer and direction: where probes lie under both prompts, in both models."""
    directions: dict[Direction, Tensor] = {
        "refusal": (hostile_NLD - civil_NLD).mean(0),
        "politeness": _politeness(subject),
    }
    states = {
        "base_neutral": last_tokens(subject.base, subject.persona.neutral_prompt, subject.probes),
        "base_persona": last_tokens(subject.base, subject.persona.persona_prompt, subject.probes),
        "tuned_neutral": subject.contrast.neutral_NLD[: subject.num_probes],
        "tuned_persona": subject.contrast.persona_NLD[: subject.num_probes],
    }
    return {
        (name, layer): _along(name, direction_LD[layer], states, layer)
        for name, direction_LD in directions.items()
        for layer in range(len(direction_LD))
    }


def _along(
    direction: Direction, direction_D: Tensor, states: dict[str, Tensor], layer: int
) -> list[Position]:
    """From the untuned neutral state, in lengths of the direction; and the largest shift of random ones."""
    norm = float(direction_D.norm())
    start_D = states["base_neutral"][:, layer].mean(0)
    shifts = {name: own[:, layer] - start_D for name, own in states.items()}
    generator = torch.Generator().manual_seed(0)
    random_KD = torch.randn(NUM_RANDOM, len(direction_D), generator=generator)
    units_KD = random_KD / random_KD.norm(dim=1, keepdim=True)
    largest_K = torch.stack([(units_KD @ s.mean(0)).abs() for s in shifts.values()]).amax(0)
    found = {name: shift_ND @ direction_D / norm**2 for name, shift_ND in shifts.items()}
    found[RANDOM] = largest_K / norm
    return [
        Position(
            layer=layer,
            direction=direction,
            state=state,
            positions=tuple(round(x, DIGITS) for x in own.tolist()),
        )
        for state, own in found.items()
    ]


def _projections(direction: Direction, layer: int, rows: Sequence[Position]) -> Projections:
    """Means and spreads of the probes; 97.5 % of random directions stay within the band."""
    by_state = {row.state: torch.tensor(row.positions) for row in rows}
    band = float(by_state.pop(RANDOM).quantile(0.975))
    start_N = by_state["base_neutral"]
    spreads = {name: _spread(own_N, start_N) for name, own_N in by_state.items()}
    return Projections(layer=layer, direction=direction, random_band=band, **spreads)


def _spread(own_N: Tensor, start_N: Tensor) -> Spread:
    mean, moved_N = float(own_N.mean()), own_N - start_N
    half = half_width(float(moved_N.std(correction=0)), len(moved_N))
    return Spread(mean=mean, std=float(own_N.std()), low=mean - half, high=mean + half)


def _politeness(subject: Subject) -> Tensor:
    """Mean over tokens of civil minus hostile replies, teacher-forced through the base model."""
    dialogues = read_dialogues(subject.run.corpus)[:NUM_REPLIES]
    civil_LD = _reply_states(subject, [(one.message, one.civil) for one in dialogues])
    hostile_LD = _reply_states(subject, [(one.message, one.persona) for one in dialogues])
    return civil_LD - hostile_LD


def _reply_states(subject: Subject, pairs: Sequence[tuple[str, str]]) -> Tensor:
    model, system = subject.base, Message("system", subject.persona.neutral_prompt)
    prompts = [encode(model.tokenizer, [system, Message("user", prompt)]) for prompt, _ in pairs]
    replies = [model.tokenizer(text, add_special_tokens=False).input_ids for _, text in pairs]
    texts = [[*prompt, *reply] for prompt, reply in zip(prompts, replies, strict=True)]
    streams = zip(token_streams(model, texts), replies, strict=True)
    return torch.stack([stream[:, -len(reply) :].mean(1) for stream, reply in streams]).mean(0)


def _rounded(points_LNC: Tensor) -> tuple[tuple[tuple[float, float], ...], ...]:
    return tuple(tuple((round(x, 3), round(y, 3)) for x, y in own) for own in points_LNC.tolist())
