"""Near initialization, one-pass SGD: few mistakes, small displacement; logistic and perceptron."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.network import Network
from lowrot.path import Path
from lowrot.sgd import UPDATES
from lowrot.theorems._near_init import Start, distinct, largest_features, networks
from lowrot.theorems._near_init_sgd_proof import SGDProof
from lowrot.theorems._subject import Subject
from lowrot.theorems._theorem import Check, Hypothesis, Theorem, at_most, nonnegative, verdict

_PRICE = math.e / (math.e - 1.0)
"""Of passing from the samples to fresh ones: ``e^{-Lam} <= 1 - (1 - 1/e) Lam`` on [0, 1]."""
_READ = ("samples", "rho", "sum_lam", "mistakes", "largest_gradient", "test_error")
"""What the conclusion is compared with."""


class NearInitSGD(Theorem):
    """The theorem on a sampled W_0 and samples; build it with `near_init_sgd`.

    Attributes:
        net: W_0.
        data: the points over which g, N and B are taken, each once.
        start: tangent margin and sizes at W_0 (``start.g``, ``start.A``, ``start.N``).
        samples: t, the number of samples that is spoken of.
        update: "logistic" or "perceptron".
        R: distance of the comparison point ``U = W_0 + R theta``: g/24, perceptron g/16.
        Gam: g^2/96, the margin that U gains on every sample (logistic).
        B: bound on ``||grad p||`` at the samples within radius g/8 of W_0.
        B_operator: the same from the operator norm of V_0, for all inputs at once.
        eta_limit: the largest step size: Gam/B^2, perceptron 3 g^2/(64 B^2).
        eta: the step size spoken of, by default the largest.
        hypotheses: evaluated.
    """

    def __init__(
        self, net: Network, data: Dataset, samples: int, eta: float | None, update: str
    ) -> None:
        self.net = _validate.kind("net", net, Network)
        self.data = distinct(_validate.kind("data", data, Dataset))
        self.samples = _validate.integer("samples", samples, 1)
        self.update = _validate.choice("update", update, UPDATES)
        self._asked = None if eta is None else _validate.number("eta", eta, 0.0)
        self.start = Start.of(net, self.data, "outer")
        features = largest_features(net, self.data)
        self._sizes = features, float(torch.linalg.matrix_norm(net.V, 2))
        self._measure()
        A = self.start.A
        self.subject = Subject(
            "sgd",
            {"update": update, "eta": self.eta},
            {"rho": 0.0, "norm_a": A, "norm_V": self.start.V_norm},
            {"a": net.a.cpu().numpy(), "V": net.V.cpu().numpy()},
            "samples",
        )
        self.hypotheses = self._evaluate()

    def _measure(self, grown: float = 1.0) -> None:
        """Set what follows from the start, its features ``grown`` times as long."""
        g, perceptron = self.start.g, self.update == "perceptron"
        self.R = g / 16 if perceptron else g / 24
        self.Gam = g**2 / 96
        self.B, self.B_operator = (
            math.hypot(grown * size, self.start.A) + g / 8 for size in self._sizes
        )
        self.eta_limit = (3 * g**2 / 64 if perceptron else self.Gam) / self.B**2
        self.eta = self.eta_limit if self._asked is None else self._asked

    def at_width(self, m: int) -> list[Hypothesis]:
        """The hypotheses as they would be at another width, from the numbers of this start.

        The tangent margin, ``||a_0||``, N and the mean square of the features are taken to stay
        as they are; g then grows with the root of the width. A sampled start may differ.

        Args:
            m: width.

        Raises:
            TypeError, ValueError: no integer, or below 1.
        """
        other = copy(self)
        grown = math.sqrt(_validate.integer("m", m, 1) / self.net.m)
        other.start = replace(self.start, g=self.start.g * grown)
        other._measure(grown)
        return other._evaluate()

    @property
    def displacement(self) -> float:
        """Bound on ``||W_k - W_0||`` for all k <= t: (1 + sqrt 2) R, perceptron g/8."""
        return 2 * self.R if self.update == "perceptron" else (1 + math.sqrt(2)) * self.R

    @property
    def sum_lam(self) -> float:
        """Bound on ``sum_{k<t} Lam_k``: 2/(3 eta); perceptron (the mistakes) 1/(7 eta)."""
        per_step = 7 * self.eta if self.update == "perceptron" else 1.5 * self.eta
        return 1 / per_step if per_step > 0 else math.inf

    @property
    def mistakes(self) -> float:
        """Bound on the samples with p <= 0 when drawn (there Lam >= 1/2, perceptron 1)."""
        return self.sum_lam if self.update == "perceptron" else 2 * self.sum_lam

    @property
    def samples_limit(self) -> float:
        """The largest t that the hypotheses allow at this eta (perceptron: any)."""
        if self.update == "perceptron" or self.eta == 0:
            return math.inf
        # exp overflows beyond 709.
        return math.exp(min(self.Gam / 4, 700.0)) * math.e * self.Gam / (12 * self.eta)

    def bound(self, t: Any, delta: float = 0.05) -> np.ndarray:
        """Bound on the averaged error ``(1/t) sum_{k<t} Pr[p(W_k) <= 0]``, at most 1.

        Args:
            t: numbers of samples, at most ``samples``.
            delta: the bound holds with probability 1 - delta, for all such t at once.

        Returns:
            Of the shape of t.

        Raises:
            ValueError: numbers that are negative or NaN, or delta outside (0, 1].
        """
        t, total = nonnegative("t", t), self._total(delta)
        with np.errstate(divide="ignore"):
            return np.minimum(1.0, total / t)

    def error(self, t: Any, delta: float = 0.05) -> np.ndarray:
        """The same as ``bound``: the bound on the averaged error."""
        return self.bound(t, delta)

    def samples_for(self, error: float, delta: float = 0.05) -> float:
        """Number of samples from which the bound on the averaged error is at most ``error``."""
        return self._total(delta) / _validate.number("error", error, 1e-300, 1.0)

    def _total(self, delta: float) -> float:
        """Bound on ``sum_k Pr[p(W_k) <= 0]``."""
        delta = _validate.number("delta", delta, 1e-300, 1.0)
        factor = 1.0 if self.update == "perceptron" else 2.0
        return factor * _PRICE * (self.sum_lam - math.log(delta))

    def check(self, path: Path, delta: float = 0.05) -> Check:
        """Compare the conclusion with one path of `one_pass_sgd`, record by record.

        The bound on the averaged error holds with probability 1 - delta only. The average itself
        needs a record at every count; without them the best iterate is compared, which the
        same bound covers.

        Args:
            path: of `one_pass_sgd` from W_0, with this update and step size.
            delta: of the bound on the averaged error.

        Returns:
            A `Check`; its frame has each quantity beside its bound, at the records up to
            ``samples``.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        self.require_path(path, *_READ)
        s, rho, lam, mistakes, gradient, error = (path[name] for name in _READ)
        every = _every(s)
        average, best = "average_error" if every else "best_error", np.minimum.accumulate(error)
        frame = pd.DataFrame(
            {
                "samples": s,
                "rho": rho,
                "rho_bound": self.displacement,
                "sum_lam": lam,
                "sum_lam_bound": self.sum_lam,
                "mistakes": mistakes,
                "mistakes_bound": self.mistakes,
                "gradient": gradient,
                "B": self.B,
                "test_error": error,
                average: _before(error) / np.maximum(s, 1) if every else best,
                "error_bound": self.bound(s, delta),
            }
        )[s <= self.samples]
        slack = {
            "||W_k - W_0|| <= its bound": (frame.rho_bound - frame.rho).min(),
            "sum Lam <= its bound": (frame.sum_lam_bound - frame.sum_lam).min(),
            "mistakes <= their bound": (frame.mistakes_bound - frame.mistakes).min(),
            "||grad p|| <= B": (frame.B - frame.gradient).min(),
        }
        if not np.isnan(error).all():
            gap = frame.error_bound - frame[average]
            slack[f"{average.replace('_', ' ')} <= its bound"] = gap[frame.samples > 0].min()
        return verdict(frame, slack)

    def inequalities(self, path: Path, delta: float = 0.05) -> Check:
        """Compare both sides of each inequality of the proof along a path kept with ``keep``.

        Args:
            path: of `one_pass_sgd` from W_0, with this update and step size, and its states.
            delta: of the line on fresh samples.

        Returns:
            A `Check`, at every kept W_k, k <= t, and at the worst of the points; its frame has
            ``gain``, the largest ``<G, W_k - U> - p`` (perceptron: over the points with p <= 0,
            ``<G, W_k - U>``), and ``gain_bound``; ``step``, the largest ``Lam (p - Gam/4)``, and
            ``step_bound``; ``potential`` (``||W_k - U||^2/2 + (eta Gam/4) sum Lam``) and
            ``potential_bound``; ``fresh`` (``(1 - 1/e) sum_k E[Lam_k]``, from records at every
            count) and ``fresh_bound`` (``sum Lam + ln(1/delta)``). Perceptron: ``growth``
            (``<W_k - W_0, theta>``) and ``growth_bound`` instead of step.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        import pandas as pd

        delta = _validate.number("delta", delta, 1e-300, 1.0)
        self.require_path(path, "samples", "sum_lam", "test_lam", "a", "V")
        s, lam, mean = path["samples"], path["sum_lam"], path["test_lam"]
        proof = SGDProof(self.net, self.data, self.start, self.eta, self.R)
        perceptron = self.update == "perceptron"
        frame = pd.DataFrame(
            [
                proof.perceptron(*row) if perceptron else proof.logistic(*row, self.Gam)
                for row in zip(networks(path, self.net), s, lam)
            ]
        )
        if _every(s) and not np.isnan(mean).all():
            frame["fresh"] = _before(mean) / _PRICE
            frame["fresh_bound"] = lam - math.log(delta)
        frame = frame[s <= self.samples]
        slack = {
            name: (frame[f"{name}_bound"] - frame[name]).min()
            for name in map(str, frame)
            if f"{name}_bound" in frame
        }
        if perceptron:
            slack["growth"] = (frame.growth - frame.growth_bound).min()
        return verdict(frame, slack)

    def _evaluate(self) -> list[Hypothesis]:
        g, A, N = self.start.g, self.start.A, self.start.N
        found = self.start.hypotheses()
        if self.update == "perceptron":
            return [
                *found,
                at_most(r"outer weights: $16 A$, $A = \|a_0\|$", 16 * A, "g", g),
                at_most("wrong margins: $128 N$", 128 * N, "g^2", g**2),
                at_most(r"step size: $\eta$", self.eta, "3 g^2/(64 B^2)", self.eta_limit),
            ]
        needed = 12 * self.eta * self.samples / (math.e * self.Gam)
        needed = math.log(needed) if needed > 0 else -math.inf
        return [
            *found,
            at_most(r"outer weights: $24 A$, $A = \|a_0\|$", 24 * A, "g", g),
            at_most("wrong margins: $192 N$", 192 * N, "g^2", g**2),
            at_most(r"step size: $\eta$", self.eta, r"\Gamma/B^2", self.eta_limit),
            at_most(r"samples: $\ln(12 \eta t/(e \Gamma))$", needed, "g^2/384", g**2 / 384),
        ]


def near_init_sgd(
    net: Network,
    data: Dataset,
    *,
    samples: int,
    eta: float | None = None,
    update: str = "logistic",
) -> NearInitSGD:
    """Evaluate the near-initialization theorem of one-pass SGD at a sampled W_0.

    Args:
        net: the start W_0.
        data: the t drawn samples, over which the theorem takes g, N and B (repetitions count
            once); or every point that can be drawn, which gives weaker numbers before sampling.
        samples: t, their number.
        eta: the constant step size, chosen before the samples are seen; None for the largest
            that the theorem allows on ``data``.
        update: "logistic" or "perceptron".

    Returns:
        The theorem, its hypotheses evaluated.

    Raises:
        NotSeparable: the tangents of the outer weights have no positive margin on the data.
        ValueError: numbers out of range, an unknown update, or net and data that do not fit.
        TypeError: a net or data of another type.

    Source: chapter "Near initialization: one-pass SGD".
    """
    return NearInitSGD(net, data, samples, eta, update)


def _every(samples: np.ndarray) -> bool:
    """Whether there is a record at every count."""
    return len(samples) > 1 and bool((np.diff(samples) == 1).all())


def _before(values: np.ndarray) -> np.ndarray:
    """Sums over the earlier entries."""
    return np.cumsum(values) - values
