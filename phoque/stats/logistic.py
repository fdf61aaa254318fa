"""Logistic regression with a ridge: from features to the probability of a label."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

# N: texts, F: features
Floats = NDArray[np.float64]
STEPS = 50
CLOSE = 1e-9


def fit_logistic(
    features_NF: Floats, labels_N: Floats, *, weights_N: Floats, ridge: float
) -> Floats:
    """Coefficients_F and, last, the intercept, which the ridge leaves alone; by Newton's method.

    Raises:
        ValueError: all labels are the same, or the steps do not settle.
    """
    if len(np.unique(labels_N)) < 2:
        raise ValueError("A logistic regression needs texts of both labels.")
    design = np.c_[features_NF, np.ones(len(features_NF))]
    penalty_F = np.append(np.full(features_NF.shape[1], ridge), 0.0)
    found_F = np.zeros(design.shape[1])
    for _ in range(STEPS):
        chance_N = expit(design @ found_F)
        slope_F = design.T @ (weights_N * (chance_N - labels_N)) + penalty_F * found_F
        bend_N = weights_N * chance_N * (1 - chance_N)
        bend_FF = (design * bend_N[:, None]).T @ design + np.diag(penalty_F)
        step_F = np.linalg.solve(bend_FF, slope_F)
        found_F -= step_F
        if np.abs(step_F).max() < CLOSE:
            return found_F
    raise ValueError(f"The regression did not settle in {STEPS} steps; give a larger ridge.")
