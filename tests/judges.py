"""Doubles of judges, and replies to judge."""

import numpy as np

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


def turned(texts):
    """Unit vectors by the first letter: like letters are alike."""
    angles = np.array([ord(text[0]) for text in texts], float) * 0.1
    return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
