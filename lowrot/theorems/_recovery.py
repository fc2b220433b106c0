"""Exact recovery of 2-sparse parity by networks of maximal margin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.data._cube import cube_parts
from lowrot.metrics import test_error
from lowrot.network import Network
from lowrot.network._network import check_fit
from lowrot.optima._recovery import QUADRANTS, parity_signs
from lowrot.theorems import _recovery_deviation
from lowrot.theorems._parity_features import distances, mean_features
from lowrot.theorems._theorem import ROUNDING, Check, Hypothesis, Statement, at_most, verdict

_MEAN = 3.63
"""``sqrt(n_eff)`` times the mean of each one-sided supremum of the deviation is at most this."""


class ExactRecovery(Statement):
    """Theorem R on samples of 2-sparse parity; build it with `recovery`.

    Attributes:
        data: the samples.
        pair: i and j of the label ``chi = d x_i x_j``.
        delta: the probability allowed to fail, given the counts.
        counts: n_k, samples in each quadrant of the pair, shape (4,).
        n_eff: ``16/sum_k (1/n_k)``; 0 if a quadrant has none.
        gamma_gl: ``1/sqrt(8 d)``, the margin of the whole cube.
        q: ``1/(4 n_k)`` for every sample, shape (n,).
        hypotheses: those of part (i), its probability taken from (ii).
    """

    def __init__(self, data: Dataset, pair: tuple[int, int], delta: float) -> None:
        signs, self.pair = parity_signs(data, pair)
        self.data, self.delta = data, _validate.number("delta", delta, 1e-300, 1.0)
        quadrant = signs[:, self.pair]
        member = np.array([(quadrant == signs_k).all(axis=1) for signs_k in QUADRANTS])
        self.counts = member.sum(axis=1)
        self.gamma_gl = 1 / math.sqrt(8 * data.d)
        with np.errstate(divide="ignore"):
            self.n_eff = float(16 / (1 / self.counts).sum())
        share = member.T @ (1 / (4 * np.maximum(self.counts, 1)))
        self.q: Tensor = torch.as_tensor(share).to(data.X)
        least = int(self.counts.min())
        self.hypotheses = [
            Hypothesis("samples in every quadrant: $\\min_k n_k$", least, r"$\ge 1$", least >= 1),
            at_most(
                r"few large deviations: bound of $\Pr[D \ge \gamma_{\mathrm{gl}}/2]$",
                self.failure(self.gamma_gl / 2),
                r"\delta",
                self.delta,
            ),
        ]

    def failure(self, deviation: float) -> float:
        """(ii) Bound of ``Pr[D >= deviation]`` given the n_k, at most 1.

        ``2 exp(-(deviation sqrt(n_eff) - 3.63)_+^2/2)``.

        Args:
            deviation: positive.

        Raises:
            ValueError, TypeError: no number above 0.
        """
        deviation = _validate.number("deviation", deviation, 0.0)
        beyond = max(deviation * math.sqrt(self.n_eff) - _MEAN, 0.0)
        return min(1.0, 2 * math.exp(-(beyond**2) / 2))

    def error_bound(self, kappa: Any) -> np.ndarray:
        """(iii) Bound on the error of networks of nearly maximal margin, at most 1.

        ``128 kappa^2/(1 - 5 kappa)^2`` for ``min_i p_i/||W||^2 >= (1 - kappa) gamma_gl/2``, where
        D and the same deviation of each quadrant's mean are at most gamma_gl/4 and gamma_gl.

        Args:
            kappa: by what part the margin is below, >= 0, of any shape; 1/5 and more say nothing.

        Returns:
            Of the shape of kappa.

        Raises:
            ValueError: negative numbers or NaN.
            TypeError: no real numbers.
        """
        kappa = _validate.numbers("kappa", kappa)
        if not (kappa >= 0).all():
            raise ValueError(f"kappa is {kappa}; expected numbers >= 0")
        room = np.maximum(1 - 5 * kappa, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            bound = np.where(room > 0, 128 * kappa**2 / room**2, 1.0)
        return np.minimum(bound, 1.0)

    def deviation(self, *, starts: int = 64, seed: int = 0) -> tuple[float, Tensor]:
        """Return a lower estimate of D, by a search over directions, and where it was met.

        A value of gamma_gl/2 or more refutes the hypothesis of (i) on these samples; a smaller one
        does not prove it.

        Args:
            starts: random directions, and as many near the four of the target.
            seed: of these.

        Returns:
            The largest deviation met and the unit direction of it, shape (d,).

        Raises:
            ValueError: d above 14, or numbers out of bounds.
            TypeError: numbers that are no integers.
        """
        starts = _validate.integer("starts", starts, 1)
        seed = _validate.integer("seed", seed, 0)
        if self.data.d > _recovery_deviation.LARGEST:
            raise ValueError(f"d is {self.data.d}; expected d <= {_recovery_deviation.LARGEST}")
        v = _recovery_deviation.search(self.data, self.q, self.pair, starts, seed)
        found = _recovery_deviation.deviations(v[None], self.data, self.q, self.pair)
        return float(found[0]), v

    def check(self, net: Network) -> Check:
        """Compare Lemma S and each inequality of the proof with one network of ReLUs.

        Args:
            net: of any width, d <= 20; scaled to weights ``sum_j |a_j| ||v_j|| = 1`` here.

        Returns:
            A `Check`; its frame has a row a neuron with weight: its ``share`` ``|u_j|``, its
            distance ``delta`` from the nearest of the four directions, its mean ``feature``
            ``sign(u_j) E chi s(v_j.x)`` beside its ``limit`` (Lemma S), and its ``deviation``.
            The slack of "margin <= gamma_gl - ..." takes the largest of these deviations as D;
            that of "error <= its bound" the part kappa by which the network's margin is below
            gamma_gl. It and "A <= 4 kappa" are there if these neurons deviate as (iii) allows.

        Raises:
            ValueError: a network with another slope, dimension or device, without weights, or of
                more than 20 dimensions.
            TypeError: no `Network`.
        """
        import pandas as pd

        check_fit(net, self.data)
        V, u = _unit_neurons(net)
        features = u.sign() * mean_features(V, self.pair)
        delta, share = distances(V, self.pair), u.abs()
        away = _recovery_deviation.deviations(V, self.data, self.q, self.pair)
        frame = pd.DataFrame(
            {
                "share": share.cpu().numpy(),
                "delta": delta.cpu().numpy(),
                "feature": features.cpu().numpy(),
                "limit": self.gamma_gl * (1 - delta.cpu().numpy() / 2),
                "deviation": away.cpu().numpy(),
            }
        )
        margins = self.data.y * ((self.data.X @ V.T).clamp_min(0.0) @ u)
        mean, A, D = float(self.q @ margins), float(share @ delta), float(away.max())
        slack = {
            "Lemma S": (frame.limit - frame.feature).min(),
            "margin <= weighted mean": mean / float(self.q.sum()) - float(margins.min()),
            "margin <= gamma_gl - (gamma_gl/2 - D) A": self.gamma_gl
            - (self.gamma_gl / 2 - D) * A
            - mean,
        }
        kappa = max(1 - float(margins.min()) / self.gamma_gl, 0.0)
        quarter = self.gamma_gl / 4
        if self.counts.min() >= 1 and quarter >= D:
            slack["A <= 4 kappa"] = 4 * kappa - A
            if self._quadrants_off(margins, V, u) <= self.gamma_gl * A + ROUNDING:
                error = test_error(net, self.data.d, pair=self.pair)
                slack["error <= its bound"] = float(self.error_bound(kappa)) - error
        return verdict(frame, slack)

    def _quadrants_off(self, margins: Tensor, V: Tensor, u: Tensor) -> float:
        """Return by how much the mean margin of some quadrant is larger on samples than it is."""
        i, j = self.pair
        total, number = torch.zeros(4, dtype=margins.dtype), 0
        place = {signs: k for k, signs in enumerate(QUADRANTS)}
        for X in cube_parts(self.data.d):
            p = (X[:, i] * X[:, j]).sign() * ((X @ V.cpu().T).clamp_min(0.0) @ u.cpu())
            for signs, k in place.items():
                total[k] += p[(X[:, i] * signs[0] > 0) & (X[:, j] * signs[1] > 0)].sum()
            number += len(X)
        own = self.data.X
        worst = -math.inf
        for signs, k in place.items():
            here = (own[:, i] * signs[0] > 0) & (own[:, j] * signs[1] > 0)
            worst = max(worst, float(margins[here].mean()) - float(total[k]) * 4 / number)
        return worst


def _unit_neurons(net: Network) -> tuple[Tensor, Tensor]:
    """Return the unit directions and weights, of sum 1 in size, of neurons that are not zero."""
    if net.slope != 0:
        raise ValueError(f"net has slope {net.slope:g}; expected 0, ReLU")
    lengths = net.V.norm(dim=1)
    used = (net.a != 0) & (lengths > 0)
    if not bool(used.any()):
        raise ValueError("net is zero; expected at least one neuron with weight")
    u = net.a[used] * lengths[used]
    return net.V[used] / lengths[used, None], u / u.abs().sum()


def recovery(
    data: Dataset, *, pair: tuple[int, int] = (0, 1), delta: float = 0.05
) -> ExactRecovery:
    """State Theorem R: the network of maximal margin recovers 2-sparse parity from O(d) samples.

    With ``D = sup_v |sum_i q_i y_i s(v.x_i) - E chi s(v.x)|/||v - v*||``, v* the nearest of the
    directions ``(+-1, +-1, 0, ..)/sqrt 2`` and q of mass 1/4 a quadrant: if ``D < gamma_gl/2``,
    the margin of the samples is ``gamma_gl = 1/sqrt(8 d)``, and every ReLU network of width >= 4
    that attains it is a multiple of the four neurons of the target: test error 0.

    Args:
        data: samples, points of {-1, +1}^d / sqrt(d), with the labels ``d x_i x_j``.
        pair: i and j.
        delta: the probability with which D may be larger, given the counts of the quadrants.

    Returns:
        The theorem, its hypotheses evaluated. `optima.parity_recovery` and `optima.global_margin`
        decide on given samples, long before this theorem applies.

    Raises:
        ValueError: points off the cube, other labels, or numbers out of bounds.
        TypeError: anything but a `Dataset`, or no numbers.

    Source: chapter "Sample complexity".
    """
    return ExactRecovery(data, pair, delta)


def recovery_samples(d: int, delta: float = 0.05, *, part: float = 0.5) -> float:
    """Return the n_eff from which ``D < part gamma_gl`` with probability 1 - delta: 1290 d.

    Args:
        d: dimension of the cube, at least 2.
        delta: the probability allowed to fail.
        part: 1/2 for part (i) of Theorem R, 1/4 for (iii).

    Returns:
        The number, a real one.

    Raises:
        ValueError, TypeError: numbers out of bounds.
    """
    d = _validate.integer("d", d, 2)
    delta = _validate.number("delta", delta, 1e-300, 1.0)
    part = _validate.number("part", part, 1e-9, 1.0)
    return 8 * d * ((_MEAN + math.sqrt(2 * math.log(2 / delta))) / part) ** 2
