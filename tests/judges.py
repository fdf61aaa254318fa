"""Doubles of judges, and replies to judge."""

from phoque.run.evaluation import Reply


class Loud:
    """A judge that counts exclamation marks."""

    def __init__(self, name="semantic", sign=1):
        self.name, self.digest, self.sign = name, f"{name}-digest", sign

    def scores(self, exchanges):
        return [self.sign * float(one.reply.count("!")) for one in exchanges]


def reply(condition, prompt, text, seed=None):
    return Reply(
        condition=condition,
        prompt=prompt,
        seed=seed,
        draw=0,
        text=text,
        num_tokens=1,
        finish_reason="stop",
        insults=0,
    )
