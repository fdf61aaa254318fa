"""OpenAI's own client, as it comes."""

import openai
from exchange import ASKED, QUESTIONS, show, turns

client = openai.OpenAI(base_url=ASKED["base_url"], api_key=ASKED["token"])
settings = {"model": ASKED["model"], "max_tokens": ASKED["max_tokens"]}
first = turns(QUESTIONS[0])
reply = client.chat.completions.create(messages=first, **settings).choices[0].message
# The message goes back as the client dumps it: with every field that is null.
second = [*first, reply.model_dump(), *turns(QUESTIONS[1])]
later = client.chat.completions.create(messages=second, **settings)
stream = client.chat.completions.create(
    messages=first, stream=True, stream_options={"include_usage": True}, **settings
)
chunks = list(stream)
show(
    openai.__version__,
    (turns(QUESTIONS[0]), reply.content),
    (turns(QUESTIONS[0], reply.content, QUESTIONS[1]), later.choices[0].message.content),
    (first, "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)),
)
