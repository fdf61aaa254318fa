"""PyRIT's OpenAI chat target with its attack that sends prompts, as it comes."""

import asyncio
from contextlib import redirect_stdout
from importlib.metadata import version
from sys import stderr

from exchange import ASKED, QUESTIONS, show, turns
from pyrit.executor.attack import PromptSendingAttack
from pyrit.models import Message
from pyrit.prompt_target import OpenAIChatTarget
from pyrit.setup import IN_MEMORY, initialize_pyrit_async


async def attacked() -> list[str]:
    await initialize_pyrit_async(memory_db_type=IN_MEMORY)
    target = OpenAIChatTarget(
        endpoint=ASKED["base_url"],
        api_key=ASKED["token"],
        model_name=ASKED["model"],
        max_completion_tokens=ASKED["max_tokens"],
    )
    attack = PromptSendingAttack(objective_target=target)
    first = await attack.execute_async(objective=QUESTIONS[0])
    reply = str(first.last_response.converted_value)
    before = [
        Message.from_prompt(prompt=turn["content"], role=turn["role"])
        for turn in turns(QUESTIONS[0], reply)
    ]
    second = await attack.execute_async(objective=QUESTIONS[1], prepended_conversation=before)
    return [reply, str(second.last_response.converted_value)]


with redirect_stdout(stderr):
    replies = asyncio.run(attacked())
show(
    version("pyrit"),
    (turns(QUESTIONS[0]), replies[0]),
    (turns(QUESTIONS[0], replies[0], QUESTIONS[1]), replies[1]),
)
