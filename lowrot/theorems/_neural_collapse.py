"""The neural-collapse theorem: well-separated groups, the whole trajectory from initialization."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset, infer_groups
from lowrot.losses import Loss, as_loss, entropy_constant
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._good_neurons import demands, good_neurons
from lowrot.theorems._neural_collapse_start import hypotheses, largest_margin, ln_kappa, own_margin
from lowrot.theorems._norm_growth import NormGrowthTheorem, early_growth
from lowrot.theorems._subject import flow_subject
from lowrot.theorems._theorem import Check, verdict

if TYPE_CHECKING:
    import pandas as pd


class NeuralCollapse(NormGrowthTheorem):
    """The theorem on a given network and data; build it with `neural_collapse`.

    Attributes:
        net: the network at time 0 (m neurons).
        data: the data with their groups (r of them).
        opposite: whether this is the opposite-label variant.
        gamma: margin ``gamma_k = min_{S_k} beta_k.x`` of each group, shape (r,); 0 if none.
        beta: unit SVM direction of each group, shape (r, d).
        S: ``sum_k 1/gamma_k``.
        weights: ``w_k = 1/(gamma_k S)``, shape (r,).
        good: which neurons are good for which group at the start, shape (r, m).
        ln_kappa: ln kappa_j of each good neuron, shape (r, m); -inf for the others.
        ln_G0: ln of the constant ``G_0``.
        ln_start_norm: ``ln ||W_0||^2``.
        limit: ``1/(2 S)``, the bound on the limit of the smoothed margin.
        lost: ``ln(||W_0||^2/G_0)``, what the start costs.
        margin_range: bounds on the global margin of separated groups, ``1/S`` and
            ``1/(T_+ + T_-)``, ``T^2`` the sum of ``1/gamma_k^2`` over the groups of a label.
        c_n: ln n (exponential loss) or ln 2n (logistic loss).
        hypotheses: evaluated.
    """

    _per_margin = 4.0  # of ln ||W||^2

    def __init__(self, net: Network, data: Dataset, loss: str | Loss, opposite: bool) -> None:
        _validate.kind("net", net, Network)
        _validate.kind("data", data, Dataset)
        if net.norm_squared == 0:
            raise ValueError("net has only zero weights and stays so; expected some that are not")
        self.net, self.opposite = net, _validate.flag("opposite", opposite)
        self.data = data if data.groups is not None else infer_groups(data)
        self.loss = as_loss(loss).name
        self.c_n = entropy_constant(data.n, loss)
        self.good = good_neurons(net, self.data, opposite=self.opposite)
        self.subject = flow_subject(net, net.margins(data), self.loss)
        self._asked = demands(self.data, opposite=self.opposite)
        found = [own_margin(self.data.X[group]) for group in self._asked.active]
        values, uppers, directions = zip(*found)
        self.gamma, self.beta = data.X.new_tensor(values), torch.stack(directions)
        self.S = float((1.0 / self.gamma).sum())
        self.weights = 1.0 / (self.gamma * self.S)
        self.limit = 0.5 / self.S
        self.margin_range = (1.0 / self.S, largest_margin(self._asked.labels, uppers))
        self.ln_kappa = ln_kappa(net, self.data, self._asked, self.beta, self.good, self.opposite)
        self.ln_G0 = self._log_sum(self.ln_kappa)
        self.ln_start_norm = math.log(net.norm_squared)
        self.lost = self.ln_start_norm - self.ln_G0
        self.hypotheses = hypotheses(net, self.data, self._asked, self.good, self.opposite)

    def group_frame(self) -> pd.DataFrame:
        """Return one row a group: label, size, margin, weight, good neurons, ln kappa_k."""
        import pandas as pd

        return pd.DataFrame(
            {
                "label": self._asked.labels.cpu().numpy().astype(int),
                "points": self._asked.active.sum(dim=1).cpu().numpy(),
                "gamma": self.gamma.cpu().numpy(),
                "weight": self.weights.cpu().numpy(),
                "good neurons": self.good.sum(dim=1).cpu().numpy(),
                "ln kappa": 0.5 * torch.logsumexp(2 * self.ln_kappa, 1).cpu().numpy(),
            }
        )

    @property
    def J_limit(self) -> float:
        """``S (1 + ln_+(2 c_n/G_0))``, an upper bound on J at every tau (0 if c_n is 0)."""
        if self.c_n == 0:
            return 0.0
        return self.S * (1.0 + max(0.0, math.log(2.0 * self.c_n) - self.ln_G0))

    def J(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound on J at the saved times of a path of this network.

        Where the hypotheses hold, the upper bound also uses ``ln ||W||^2 >= ln G_0 + 2 tau/S``.

        Args:
            path: columns ``tau``, ``P`` and ``norm_squared``.

        Returns:
            Two arrays of shape (k,).

        Raises:
            TypeError, ValueError: no path, or one without these columns.
        """
        self.subject.require_names(path, ["P", "norm_squared"])
        floor = (self.ln_G0, 2.0 / self.S) if self.holds else None
        return early_growth(path, self.c_n, floor)

    def potential(self, path: Path) -> np.ndarray:
        """The potential ``sum_k w_k ln U_k + H(w) - ln 2``, a lower bound of ``ln ||W||^2``.

        ``U_k`` is the sum of ``(|a_j| + ||v_j||)^2`` over the neurons that were good for k.

        Args:
            path: states ``a`` and ``V``.

        Returns:
            Shape (k,), at the saved times.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        self.require_path(path, "a", "V")
        sizes = np.abs(path["a"]) + np.linalg.norm(path["V"], axis=2)
        with np.errstate(divide="ignore"):
            ln_sizes = torch.as_tensor(np.log(sizes))
        good = self.good.cpu()
        return np.array([self._log_sum(torch.where(good, row, -math.inf)) for row in ln_sizes])

    def check(self, path: Path) -> Check:
        """Compare the conclusion with a path of this network, at every saved time after the start.

        Args:
            path: of `gradient_flow` from this network, with its states ``a`` and ``V``.

        Returns:
            A `Check`; its frame has ``margin`` beside ``bound``, ``bound_a_priori``, ``limit``
            and ``ceiling`` (half the global margin, or a bound on it), and the bounds ``J_least``
            and ``J`` on J along the path, of which the bound uses the larger, beside ``J_limit``.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        self.require_path(path, "P", "margin", "norm_squared", "a", "V")
        late = path["tau"] > 0
        tau, margin = path["tau"][late], path["margin"][late]
        least, most = (J[late] for J in self.J(path))
        frame = pd.DataFrame(
            {
                "tau": tau,
                "margin": margin,
                "bound": self.bound(tau, most),
                "bound_a_priori": self.bound_a_priori(tau),
                "limit": self.limit,
                "ceiling": 0.5 * self.data.known.get("gamma_gl", self.margin_range[1]),
                "J_least": least,
                "J": most,
                "J_limit": self.J_limit,
            }
        )
        slack = {
            "bound <= margin": (frame.margin - frame.bound).min(),
            "a priori bound <= bound": (frame.bound - frame.bound_a_priori).min(),
            "margin <= ceiling": (frame.ceiling - frame.margin).min(),
            "J <= its limit": (frame.J_limit - frame.J_least).min(),
        }
        return verdict(frame, slack)

    def inequalities(self, path: Path) -> Check:
        """Compare both sides of each inequality of the proof along a path of this network.

        Args:
            path: of `gradient_flow` from this network, with its states ``a`` and ``V``.

        Returns:
            A `Check`; its frame has ``growth``, ``ln G_0 + 2 tau/S``; the ``potential``;
            ``ln_norm``, of ``||W||^2``; ``norm_bound``, ``ln ||W_0||^2 + 4 tau P_+/||W||^2 + J``;
            and ``kept``, the least gain of a good neuron's product with a point, signed so that
            goodness keeps it >= 0 (in units of ``||v_j||``).

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        self.require_path(path, "P", "margin", "norm_squared", "a", "V")
        tau = path["tau"]
        frame = pd.DataFrame(
            {
                "tau": tau,
                "growth": self.ln_G0 + 2.0 * tau / self.S,
                "potential": self.potential(path),
                "ln_norm": np.log(path["norm_squared"]),
                "norm_bound": self.ln_start_norm + 4.0 * tau * path["margin"] + self.J(path)[1],
                "kept": self._kept(path),
            }
        )
        frame = frame[frame.tau > 0]
        scale = frame.tau.clip(lower=1.0)
        slack = {
            "goodness persists": frame.kept.min(),
            "growth of the potential": ((frame.potential - frame.growth) / scale).min(),
            "potential below the norm": ((frame.ln_norm - frame.potential) / scale).min(),
            "growth of the norm": ((frame.norm_bound - frame.ln_norm) / scale).min(),
        }
        return verdict(frame, slack)

    def _kept(self, path: Path) -> np.ndarray:
        """The least gain of a good neuron's product with a point, shape (k,)."""
        X, V = self.data.X.cpu().numpy(), path["V"]
        ahead = self._asked.active.double() - self._asked.silent.double()
        worst = np.full(len(path), np.inf)
        for neurons, sides in zip(self.good.cpu().numpy(), ahead.cpu().numpy()):
            if neurons.any():
                z = np.einsum("nd,kmd->kmn", X * sides[:, None], V[:, neurons])
                gain = (z - z[0])[:, :, sides != 0]
                gain = gain / np.linalg.norm(V[:, neurons], axis=2)[:, :, None]
                worst = np.minimum(worst, gain.min(axis=(1, 2)))
        return worst

    def _log_sum(self, ln_sizes: Tensor) -> float:
        """Return ``sum_k w_k ln(sum_j size_kj^2) + H(w) - ln 2``."""
        if not math.isfinite(self.S):
            return -math.inf
        w = self.weights.cpu()
        inner = torch.logsumexp(2.0 * ln_sizes.cpu(), dim=1)
        return float((w * (inner - w.log())).sum()) - math.log(2.0)


def neural_collapse(
    net: Network, data: Dataset, *, loss: str | Loss = "exponential", opposite: bool = False
) -> NeuralCollapse:
    """Evaluate the neural-collapse theorem: well-separated groups, each with a good neuron.

    Args:
        net: the network at time 0 (m neurons).
        data: the data; its groups, or, where it has none, the only ones that it can have.
        loss: "exponential" or "logistic".
        opposite: the variant in which good neurons may be active on points of the other label,
            for starts with ``|a_j| >= ||v_j||``; it covers XOR.

    Returns:
        The theorem, its hypotheses evaluated.

    Raises:
        ValueError: net and data that do not fit together, zero weights, or an unknown loss.
        TypeError: a net, data or ``opposite`` of another type.

    Source: chapter "Neural collapse".
    """
    return NeuralCollapse(net, data, loss, opposite)
