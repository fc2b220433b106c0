"""The neural-collapse theorem at its start: margins of groups, growth of neurons, hypotheses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lowrot.data import Dataset
from lowrot.data._groups import ZERO, cosines
from lowrot.network import Network
from lowrot.optima import NotSeparable, svm_margin
from lowrot.theorems._good_neurons import Demands
from lowrot.theorems._theorem import Hypothesis


def own_margin(X: Tensor) -> tuple[float, float, Tensor]:
    """Return the linear margin of one group, an upper bound of it, and its direction."""
    try:
        best = svm_margin(Dataset(X, torch.ones_like(X[:, 0])))
    except NotSeparable as refusal:
        return 0.0, refusal.upper, torch.zeros_like(X[0])
    return best.value, best.upper, best.primal


def largest_margin(labels: Tensor, uppers: Sequence[float]) -> float:
    """Return ``1/(T_+ + T_-)`` from upper bounds on the margins of the groups of these labels."""
    inverse = 1.0 / torch.tensor(uppers, dtype=labels.dtype, device=labels.device)
    return 1.0 / sum(float(inverse[labels == sign].norm()) for sign in (1, -1))


def ln_kappa(
    net: Network, data: Dataset, asked: Demands, beta: Tensor, good: Tensor, opposite: bool
) -> Tensor:
    """Return ln kappa_j, shape (r, m): ``|a_j| + ||v_j|| >= kappa_j exp(gamma_k z_k)``.

    Args:
        net: the network at time 0.
        data: the data.
        asked: what the groups demand.
        beta: unit SVM direction of each group, shape (r, d).
        good: which neurons are good for which group, shape (r, m); -inf for the others.
        opposite: whether this is the opposite-label variant.
    """
    a, v = net.a.abs()[None, :], net.V.norm(dim=1)[None, :]
    c = (beta @ net.V.T).minimum(v)
    if opposite:
        kappa = torch.log(c + (c**2 + (a - v).clamp_min(0.0) * (a + v)).sqrt())
        return torch.where(good, kappa, -math.inf)
    z = net.V @ data.X.T
    mu = torch.stack([z[:, group].min(dim=1).values for group in asked.active])
    # Where the two lower bounds on |a|, by products and by balance, cross.
    cross = mu + ((c - mu) ** 2 + (v - c) * (v + c)).sqrt()
    outer = (a**2 + (cross - v).clamp_min(0.0) * (cross + v)).sqrt()
    kappa = torch.log(cross + outer) - 2.0 * (cross - c) / (outer + a)
    return torch.where(good, kappa, -math.inf)


def hypotheses(
    net: Network, data: Dataset, asked: Demands, good: Tensor, opposite: bool
) -> list[Hypothesis]:
    """Evaluate the hypotheses on a network and the groups of the data; arguments as `ln_kappa`."""
    X, y = data.X, data.y
    cosine, active = X.new_tensor(cosines(X.cpu().numpy())), asked.active.double()
    same = (active.T @ active) > 0
    mixed = int((active @ y).abs().ne(active.sum(dim=1)).sum())
    within = float(cosine[same].min())
    across = float(cosine[~same].max()) if bool((~same).any()) else -math.inf
    fewest = int(good.sum(dim=1).min())
    found = [
        Hypothesis(
            r"ReLU: slope $\alpha$ of the activation",
            net.slope,
            "$= 0$",
            net.slope == 0,
        ),
        Hypothesis("one label for each group: groups with both", mixed, "$= 0$", mixed == 0),
        Hypothesis(r"within groups: least $\cos(x, x')$", within, "$> 0$", within > 0),
        Hypothesis(
            r"across groups: largest $\cos(x, x')$",
            across,
            r"$\le 0$, to rounding",
            across <= ZERO,
        ),
        Hypothesis("good neurons of the poorest group", fewest, r"$\ge 1$", fewest >= 1, 1),
    ]
    if opposite:
        worst = _overlap(cosine, data, asked)
        statement = r"opposite labels: largest $|\cos(x, x')|$ with silent points"
        found.append(Hypothesis(statement, worst, "$= 0$, to rounding", worst <= ZERO))
    return found


def _overlap(cosine: Tensor, data: Dataset, asked: Demands) -> float:
    """Largest ``|cos(x, x')|``, x of the other label of a group, x' silent for that group."""
    worst = 0.0
    for label, silent in zip(asked.labels, asked.silent):
        block = cosine[data.y != label][:, silent]
        worst = max(worst, float(block.abs().max()) if block.numel() else 0.0)
    return worst
