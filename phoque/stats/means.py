"""Means with their uncertainty."""

from math import sqrt

from scipy.special import stdtrit


def half_width(deviation: float, n: int) -> float:
    """Half of the 95 % interval of a mean of `n` values with this population deviation.

    Student's t; the sample's own deviation is that of the population times sqrt(n / (n - 1)).
    """
    return float(stdtrit(n - 1, 0.975)) * deviation / sqrt(n - 1)
