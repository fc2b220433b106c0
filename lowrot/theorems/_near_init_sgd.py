"""Near initialization, one-pass SGD: few mistakes, small displacement, for logistic and perceptron.

``E = e/(e - 1)`` below is the price of passing from the samples to fresh ones.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.network import Network, activation
from lowrot.path import Path
from lowrot.sgd import UPDATES
from lowrot.theorems._near_init import Start, at_most, columns
from lowrot.theorems._theorem import Check, Hypothesis, Theorem, verdict

_PRICE = math.e / (math.e - 1.0)


class NearInitSGD(Theorem):
    """The theorem on a sampled W_0 and samples; build it with `near_init_sgd`.

    Attributes:
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
        self.net, self.data = net, distinct(data)
        self.samples = _validate.integer("samples", samples, 1)
        self.update = _validate.choice("update", update, UPDATES)
        self.start = Start.of(net, self.data, "outer")
        g, A = self.start.g, self.start.A
        perceptron = update == "perceptron"
        self.R = g / 16 if perceptron else g / 24
        self.Gam = g**2 / 96
        features = math.sqrt(max(_feature_squares(net, self.data.X)))
        operator = float(torch.linalg.matrix_norm(net.V, 2))
        self.B, self.B_operator = (math.hypot(s, A) + g / 8 for s in (features, operator))
        self.eta_limit = (3 * g**2 / 64 if perceptron else self.Gam) / self.B**2
        self.eta = self.eta_limit if eta is None else _validate.number("eta", eta, 0.0)
        self.hypotheses = self._evaluate()

    @property
    def displacement(self) -> float:
        """Bound on ``||W_s - W_0||`` for all s <= t: (1 + sqrt 2) R, perceptron g/8."""
        return 2 * self.R if self.update == "perceptron" else (1 + math.sqrt(2)) * self.R

    @property
    def sum_lam(self) -> float:
        """Bound on ``sum_{s<t} lam_s``: 2/(3 eta); perceptron (the mistakes) 1/(7 eta)."""
        per_step = 7 * self.eta if self.update == "perceptron" else 1.5 * self.eta
        return 1 / per_step if per_step > 0 else math.inf

    @property
    def mistakes(self) -> float:
        """Bound on the samples with p <= 0 when drawn (there lam >= 1/2, perceptron 1)."""
        return self.sum_lam if self.update == "perceptron" else 2 * self.sum_lam

    @property
    def samples_limit(self) -> float:
        """The largest t that the hypotheses allow at this eta (perceptron: any)."""
        if self.update == "perceptron" or self.eta == 0:
            return math.inf
        return math.exp(min(self.Gam / 4, 700.0)) * math.e * self.Gam / (12 * self.eta)

    def error(self, t: Any, delta: float = 0.05) -> np.ndarray:
        """Bound on the averaged error ``(1/t) sum_{s<t} Pr[p(W_s) <= 0]``.

        Args:
            t: numbers of samples, at most ``samples``.
            delta: the bound holds with probability 1 - delta, for all such t at once.
        """
        delta = _validate.number("delta", delta, 1e-300, 1.0)
        t = np.asarray(t, dtype=np.float64)
        factor = 1.0 if self.update == "perceptron" else 2.0
        with np.errstate(divide="ignore"):
            return np.minimum(1.0, factor * _PRICE * (self.sum_lam - math.log(delta)) / t)

    def samples_for(self, error: float, delta: float = 0.05) -> float:
        """Number of samples from which the bound on the averaged error is at most ``error``."""
        error = _validate.number("error", error, 1e-300, 1.0)
        factor = 1.0 if self.update == "perceptron" else 2.0
        return factor * _PRICE * (self.sum_lam - math.log(delta)) / error

    def check(self, path: Path, delta: float = 0.05) -> Check:
        """Compare the conclusion with one path of `one_pass_sgd`, record by record.

        The bound on the averaged error holds with probability 1 - delta only. The average itself
        needs a record at every count; without them the best iterate is compared, which the
        same bound covers.

        Raises:
            ValueError: a path of another update, step size or start.
        """
        names = ("samples", "rho", "sum_lam", "mistakes", "largest_gradient", "test_error")
        s, rho, lam, mistakes, gradient, error = self._columns(path, *names)
        best = np.minimum.accumulate(error)
        every = len(s) > 1 and bool((np.diff(s) == 1).all())
        average = (np.cumsum(error) - error) / np.maximum(s, 1) if every else best
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
                "average_error" if every else "best_error": average,
                "error_bound": self.error(s, delta),
            }
        )[s <= self.samples]
        averaged = "average error" if every else "best error"
        slack = {
            "||W_s - W_0|| <= its bound": (frame.rho_bound - frame.rho).min(),
            "sum lam <= its bound": (frame.sum_lam_bound - frame.sum_lam).min(),
            "mistakes <= their bound": (frame.mistakes_bound - frame.mistakes).min(),
            "||grad p|| <= B": (frame.B - frame.gradient).min(),
        }
        if not np.isnan(error).all():
            gap = frame.error_bound - frame[averaged.replace(" ", "_")]
            slack[f"{averaged} <= its bound"] = gap[frame.samples > 0].min()
        return verdict(frame, slack)

    def inequalities(self, path: Path, delta: float = 0.05) -> Check:
        """Evaluate both sides of each inequality of the proof along a path kept with ``keep``.

        At every kept W_s and at the worst of the points: ``gain``, the largest
        ``<G, W_s - U> - p`` (perceptron: over the points with p <= 0, ``<G, W_s - U>``), and
        ``gain_bound``; ``step``, the largest ``lam (p - Gam/4)``, and ``step_bound``;
        ``potential`` (``||W_s - U||^2/2 + (eta Gam/4) sum lam``) and ``potential_bound``;
        ``fresh`` (``(1 - 1/e) sum_s E[lam_s]``, from records at every count) and ``fresh_bound``
        (``sum lam + ln(1/delta)``). Perceptron: ``growth`` (``<W_s - W_0, theta>``) and
        ``growth_bound`` instead of step.
        """
        s, lam, mean = self._columns(path, "samples", "sum_lam", "test_lam")
        a, V = (torch.as_tensor(path[name]).to(self.data.X) for name in ("a", "V"))
        g, eta = self.start.g, self.eta
        rows = []
        for k in range(len(s)):
            net = replace(self.net, a=a[k], V=V[k])
            row = {"samples": s[k]} | self._at(net)
            distance = row.pop("distance")
            if self.update == "perceptron":
                row |= {"growth_bound": 7 * g / 8 * eta * lam[k]}
                row |= {"potential": distance, "potential_bound": self.R**2 / 2}
            else:
                row["potential"] = distance + eta * self.Gam / 4 * lam[k]
                late = eta * s[k] * math.exp(-1 - self.Gam / 4)
                row["potential_bound"] = self.R**2 / 2 + late
            rows.append(row)
        frame = pd.DataFrame(rows)
        if len(s) > 1 and bool((np.diff(s) == 1).all()):
            frame["fresh"] = (np.cumsum(mean) - mean) / _PRICE
            frame["fresh_bound"] = lam - math.log(delta)
        lines = [str(name) for name in frame if f"{name}_bound" in frame]
        above = {"growth"}
        slack = {
            name: ((frame[f"{name}_bound"] - frame[name]) * (-1 if name in above else 1)).min()
            for name in lines
        }
        return verdict(frame, slack)

    def _at(self, net: Network) -> dict[str, float]:
        """The pointwise lines of the proof at one W, worst point of the data."""
        p, W0 = net.margins(self.data), self.net
        moved = net.a - W0.a, net.V - W0.V
        toward = net.tangent(self.data, moved[0] - self.R * self.start.outer, moved[1])
        to_U = (moved[0] - self.R * self.start.outer).square().sum() + moved[1].square().sum()
        row = {"distance": float(to_U) / 2}
        if self.update == "perceptron":
            wrong = p <= 0
            worst = float(toward[wrong].max()) if bool(wrong.any()) else -math.inf
            row |= {"gain": worst, "gain_bound": -3 * self.start.g**2 / 128}
            return row | {"growth": float(moved[0] @ self.start.outer)}
        row |= {"gain": float((toward - p).max()), "gain_bound": -self.Gam}
        step = float((torch.sigmoid(-p) * (p - self.Gam / 4)).max())
        return row | {"step": step, "step_bound": math.exp(-1 - self.Gam / 4)}

    def _columns(self, path: Path, *names: str) -> list[np.ndarray]:
        """Columns of a path that belongs to this theorem."""
        found = columns(path, "samples", "norm_a", *names)
        meta = {name: path.meta.get(name) for name in ("kind", "update", "eta")}
        wanted = {"kind": "sgd", "update": self.update, "eta": self.eta}
        if meta != wanted:
            raise ValueError(f"path is {meta}; expected {wanted}, as this theorem was built for")
        if abs(found[1][0] - self.start.A) > 1e-9 * (1 + self.start.A):
            raise ValueError(
                f"path starts at ||a|| = {found[1][0]:.6g}; expected {self.start.A:.6g}, the W_0 "
                "of this theorem"
            )
        return found[2:]

    def _evaluate(self) -> list[Hypothesis]:
        g, A, N = self.start.g, self.start.A, self.start.N
        found = self.start.hypotheses()
        if self.update == "perceptron":
            found += [
                at_most("output weights at the start: 16 ||a_0||", 16 * A, "g", g),
                at_most("wrong margins at the start: 128 N", 128 * N, "g^2", g**2),
                at_most("step size: eta", self.eta, "3 g^2/(64 B^2)", self.eta_limit),
            ]
            return found
        needed = math.log(12 * self.eta * self.samples / (math.e * self.Gam))
        return [
            *found,
            at_most("output weights at the start: 24 ||a_0||", 24 * A, "g", g),
            at_most("wrong margins at the start: 192 N", 192 * N, "g^2", g**2),
            at_most("step size: eta", self.eta, "Gam/B^2", self.eta_limit),
            at_most("samples: ln(12 eta t/(e Gam))", needed, "g^2/384", g**2 / 384),
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
        samples: t.
        eta: the constant step size, chosen before the samples are seen; None for the largest
            that the theorem allows on ``data``.
        update: "logistic" or "perceptron".

    Raises:
        NotSeparable: the tangents of the outer weights have no positive margin on the data.
        ValueError, TypeError: arguments that do not fit together.

    Source: chapter "Near initialization: one-pass SGD".
    """
    return NearInitSGD(net, data, samples, eta, update)


def distinct(data: Dataset) -> Dataset:
    """Return the data set without repeated points."""
    rows = torch.unique(torch.cat([data.X, data.y[:, None]], dim=1), dim=0)
    return Dataset(rows[:, :-1].contiguous(), rows[:, -1].contiguous(), None, data.name)


def _feature_squares(net: Network, X: Tensor) -> list[float]:
    """Return ``||s(V_0 x_i)||^2`` of each input."""
    total = X.new_zeros(len(X))
    for part in net.chunks(len(X)):
        total += activation(X @ net.V[part].T, net.slope).square().sum(dim=1)
    return total.tolist()
