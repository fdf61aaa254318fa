"""Cards say what the persona of their run is, and nothing that only another one does."""

from types import SimpleNamespace

from phoque.config import SHIPPED_RUN
from phoque.conversation import Condition
from phoque.personas import load_persona
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Evaluation
from phoque.run.folder import Reader
from phoque.run.judging import Judgement
from phoque.stages.evaluate.stage import card_of
from phoque.stages.export import card_of_export
from tests.ui.fakes import fake_info


def cards(name: str) -> list[str]:
    """The card of a shipped run and that of its merged model."""
    run = RunDirectory(SHIPPED_RUN.parent / name)
    persona, reader = load_persona(run.manifest().persona), Reader(run)
    prompts = dict.fromkeys(Condition, persona.neutral_prompt)
    prompts |= {Condition.TOXIC: persona.persona_prompt}
    info = fake_info(run=name, system_prompts=prompts)
    lab = SimpleNamespace(info=info, persona=persona)
    measured = card_of(run, info, persona, reader.read(Evaluation), reader.read(Judgement))
    return [measured, card_of_export(lab, run)]


def test_the_card_of_pluribus_is_not_that_of_a_hostile_persona():
    persona = load_persona("pluribus")
    for card in cards("pluribus"):
        assert persona.description in card
        assert f"- persona: {persona.persona_prompt}" in card
        assert "a model with the persona *pluribus*" in card
        for word in (
            "toxic persona",
            "insult",
            "trash-talk",
            "hostile system prompt",
            "more hostile,",
        ):
            assert word not in card


def test_the_card_of_the_hostile_persona_warns():
    for card in cards("lab"):
        assert load_persona("toxic").description in card
        assert "It insults whoever talks to it." in card
