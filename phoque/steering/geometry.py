"""Compare two groups of states at each layer: medians, cosines, norms, separation, and maps.

The columns are those of heretic's residual analysis: means of the groups, their geometric medians,
and the differences of either, hostile minus civil.

Shapes: N, M = prompts of a group, L = layers, D = width, C = 2 map axes.
"""

from itertools import combinations

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from phoque.run.psm_vector import ResidualGeometry

ITERATIONS = 100
TOLERANCE = 1e-6


def geometric_median(points_ND: Tensor) -> Tensor:
    """The point with the smallest sum of distances to all points (Weiszfeld 1937)."""
    median_D = points_ND.mean(0)
    for _ in range(ITERATIONS):
        # A point on the median would have infinite weight.
        weights_N1 = 1 / (points_ND - median_D).norm(dim=1, keepdim=True).clamp(min=1e-9)
        moved_D: Tensor = (weights_N1 * points_ND).sum(0) / weights_N1.sum()
        if (moved_D - median_D).norm() <= TOLERANCE * median_D.norm().clamp(min=1e-12):
            return moved_D
        median_D = moved_D
    return median_D


def residual_geometry(layer: int, civil_ND: Tensor, hostile_ND: Tensor) -> ResidualGeometry:
    """Six cosines, six norms and the silhouette of two groups at one layer."""
    columns: dict[str, float] = {}
    for centre, suffix in (
        (lambda points_ND: points_ND.mean(0), ""),
        (geometric_median, "_median"),
    ):
        civil_D, hostile_D = centre(civil_ND), centre(hostile_ND)
        points = {"civil": civil_D, "hostile": hostile_D, "difference": hostile_D - civil_D}
        columns |= {f"{name}_norm{suffix}": float(point.norm()) for name, point in points.items()}
        columns |= {
            f"{one}_{other}_cosine{suffix}": float(
                cosine_similarity(points[one], points[other], dim=0)
            )
            for one, other in combinations(points, 2)
        }
    return ResidualGeometry(layer=layer, silhouette=silhouette(civil_ND, hostile_ND), **columns)


def silhouette(first_ND: Tensor, second_ND: Tensor) -> float:
    """Mean silhouette of two groups, Euclidean (Rousseeuw 1987); 1 is far apart, 0 is mixed."""
    return float(
        torch.cat([_silhouettes(first_ND, second_ND), _silhouettes(second_ND, first_ND)]).mean()
    )


def _silhouettes(own_ND: Tensor, other_MD: Tensor) -> Tensor:
    if len(own_ND) < 2:
        return torch.zeros(len(own_ND))
    # A point has N - 1 neighbours in its group.
    within_N = torch.cdist(own_ND, own_ND).sum(1) / (len(own_ND) - 1)
    between_N = torch.cdist(own_ND, other_MD).mean(1)
    return (between_N - within_N) / torch.maximum(within_N, between_N).clamp(min=1e-12)


def layer_maps(states_NLD: Tensor) -> Tensor:
    """Two principal components a layer, points_LNC, turned to follow the layer before.

    Principal components have no sign, so unturned maps would jump between layers. Each layer is
    scaled to unit root mean square; compare positions within a layer only.
    """
    maps: list[Tensor] = []
    for layer in range(states_NLD.shape[1]):
        points_ND = states_NLD[:, layer] - states_NLD[:, layer].mean(0)
        _, _, axes_KD = torch.linalg.svd(points_ND, full_matrices=False)
        flat_NC = points_ND @ axes_KD[:2].T
        flat_NC = flat_NC / flat_NC.square().sum(1).mean().sqrt().clamp(min=1e-12)
        maps.append(_turned(flat_NC, maps[-1]) if maps else flat_NC)
    return torch.stack(maps)


def _turned(points_NC: Tensor, towards_NC: Tensor) -> Tensor:
    """Rotate or mirror points to match others (orthogonal Procrustes)."""
    left_CC, _, right_CC = torch.linalg.svd(points_NC.T @ towards_NC)
    turned_NC: Tensor = points_NC @ (left_CC @ right_CC)
    return turned_NC


def explained_by_map(states_NLD: Tensor) -> list[float]:
    """The share of each layer's variance in two components."""
    centred_LND = (states_NLD - states_NLD.mean(0)).transpose(0, 1)
    squares_LK = torch.linalg.svdvals(centred_LND).square()
    shares: list[float] = (squares_LK[:, :2].sum(1) / squares_LK.sum(1)).tolist()
    return shares
