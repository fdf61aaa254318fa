"""Records that tests build on, with plain numbers."""

from phoque.run.psm import Choice, Divergence, Quality, Selection, Trait
from phoque.stats.rates import Rate


def a_rate(value: float, n: int = 16, half: float = 0.1) -> Rate:
    return Rate(value=value, n=n, low=max(0.0, value - half), high=min(1.0, value + half))


def a_quality(value: float = 0.0, n: int = 16, **other: float) -> Quality:
    rate = a_rate(value, n)
    plain = {"word_rate": value / 9, "repeated": 0.1, "unknown": 0.01, "zlib": 0.6, "distinct": 1.0}
    given = {**plain, "num_words": 30.0, **other}
    return Quality(insulting=value, low=rate.low, high=rate.high, n=n, **given)


def a_selection(**other) -> Selection:
    """A sweep that chose layer 1 at scale 1."""
    choice = Choice(
        layer=1,
        scale=1.0,
        relative_dose=0.3,
        coherent_scale=1.5,
        nat_scale=None,
        chance=1e-9,
        inside=True,
    )
    plain = {
        "selected": choice, "default": choice, "null": a_rate(0.0), "neutral": a_quality(),
        "toxic": a_quality(0.8), "toxic_divergence": Divergence(mean=1.5, p95=6.0), "layers": (),
        "cells": (), "model": "fake/model", "context_length": 64, "dose_per_scale": (0.1, 0.1),
        "trait": Trait(), "base": a_quality(), "rule": "", "ties": (),
    }  # fmt: skip
    return Selection(**(plain | other))
