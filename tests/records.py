"""Records that tests build on, with plain numbers."""

from phoque.run.psm import Cell, Choice, Divergence, Quality, Selection, Trait
from phoque.stats.rates import Rate


def a_rate(value: float, n: int = 16, half: float = 0.1) -> Rate:
    return Rate(value=value, n=n, low=max(0.0, value - half), high=min(1.0, value + half))


def a_quality(value: float = 0.0, n: int = 16, **other: float) -> Quality:
    rate = a_rate(value, n)
    plain = {"word_rate": value / 9, "repeated": 0.1, "unknown": 0.01, "zlib": 0.6, "distinct": 1.0}
    given = {**plain, "num_words": 30.0, **other}
    return Quality(insulting=value, low=rate.low, high=rate.high, n=n, **given)


def a_cell(layer: int, dose: float, scale: float, *, coherent: bool = True) -> Cell:
    divergence = Divergence(mean=dose, p95=3 * dose)
    return Cell(
        layer=layer, dose=dose, scale=scale, quality=a_quality(0.8), divergence=divergence,
        coherent=coherent,
    )  # fmt: skip


def a_selection(**other) -> Selection:
    """A sweep that chose layer 1 at scale 1, and whose text holds up to 1.5."""
    choice = Choice(
        layer=1,
        scale=1.0,
        relative_dose=0.3,
        nat_scale=None,
        chance=1e-9,
        inside=True,
    )
    plain = {
        "selected": choice, "default": choice, "null": a_rate(0.0), "neutral": a_quality(),
        "toxic": a_quality(0.8), "toxic_divergence": Divergence(mean=1.5, p95=6.0), "layers": (),
        "cells": (a_cell(1, 0.3, 1.0), a_cell(1, 0.45, 1.5)), "model": "fake/model", "context_length": 64, "dose_per_scale": (0.1, 0.1),
        "trait": Trait(), "base": a_quality(), "rule": "", "ties": (),
    }  # fmt: skip
    return Selection(**(plain | other))
