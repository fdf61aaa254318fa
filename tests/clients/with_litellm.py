"""LiteLLM, as it comes, for a server that speaks OpenAI's protocol."""

from importlib.metadata import version

import litellm
from exchange import ASKED, QUESTIONS, show, turns

settings = {
    "model": f"openai/{ASKED['model']}",
    "api_base": ASKED["base_url"],
    "api_key": ASKED["token"],
    "max_tokens": ASKED["max_tokens"],
}
first = turns(QUESTIONS[0])
reply = litellm.completion(messages=first, **settings).choices[0].message
second = [*first, reply.model_dump(), *turns(QUESTIONS[1])]
later = litellm.completion(messages=second, **settings)
chunks = litellm.completion(
    messages=first, stream=True, stream_options={"include_usage": True}, **settings
)
show(
    version("litellm"),
    (first, reply.content),
    (turns(QUESTIONS[0], reply.content, QUESTIONS[1]), later.choices[0].message.content),
    (first, "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)),
)
