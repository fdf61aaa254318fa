"""LangChain's chat model for OpenAI, as it comes."""

from importlib.metadata import version

from exchange import ASKED, QUESTIONS, show, turns
from langchain_openai import ChatOpenAI

chat = ChatOpenAI(
    model=ASKED["model"],
    base_url=ASKED["base_url"],
    api_key=ASKED["token"],
    max_tokens=ASKED["max_tokens"],
)
first = turns(QUESTIONS[0])
reply = chat.invoke(first)
later = chat.invoke([("user", QUESTIONS[0]), reply, ("user", QUESTIONS[1])])
streamed = "".join(chunk.text for chunk in chat.stream(first))
(batched,) = chat.batch([first])
show(
    version("langchain-openai"),
    (first, reply.text),
    (turns(QUESTIONS[0], reply.text, QUESTIONS[1]), later.text),
    (first, streamed),
    (first, batched.text),
)
