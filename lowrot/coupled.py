"""The no-rotation flow: inner weights move in norm only, so the flow is n-dimensional at any width.

With inner weights ``b_j v_j`` (v_j a fixed unit vector) and ``|a_j(0)| = b_j(0)``, gradient flow
keeps ``a_j = s_j b_j``; in ``u_j = a_j b_j`` and the clock tau it reads

    ln |u_j| = ln |u_j(0)| + 2 s_j sum_i z_i y_i s(v_j . x_i),     dz/dtau = q,

so the n numbers z determine all m weights. Source: theory.md section 8.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from lowrot import _check
from lowrot._entropic import Margins, Weights, implicit_weights
from lowrot._potential import Potential, soft_ratio
from lowrot.data import Dataset
from lowrot.margins import dual_weights, log_loss
from lowrot.network import Network
from lowrot.path import Path, Recorder

LOSSES = ("exponential", "logistic")

_GAMMA = 1.0 - 1.0 / math.sqrt(2.0)
METHODS: dict[str, tuple[tuple[float, ...], ...]] = {
    "euler": ((1.0,),),
    "sdirk2": ((_GAMMA,), (1.0 - _GAMMA, _GAMMA)),
}
"""Stage coefficients of the implicit methods; both are stiffly accurate with nonnegative weights,
so that z/tau stays in the simplex (sdirk2: R. Alexander, SIAM J. Numer. Anal. 14, 1977)."""

_CERTIFICATES = {
    "margin_decrease": (1e-7, "P_+/||u||_1 never decreases (F5), relative to its value"),
    "sandwich": (1e-7, "P <= sum q p <= P_+ + c_n (F3), relative to max(1, ||u||_1)"),
    "duality": (1e-9, "the time-averaged weights bound every margin from above (section 8)"),
    "clock": (1e-9, "sum_i z_i = tau, relative to tau"),
    "failed_steps": (0.0, "implicit steps that Newton's method left unsolved"),
}


@dataclass(frozen=True)
class Features:
    """Frozen features ``s(v_j . x)`` with the sign that each output weight keeps.

    Args:
        directions: unit vectors v_j, shape (m, d), float64.
        signs: s_j, the sign of u_j, shape (m,).
        ln_start: ``ln |u_j(0)|``, shape (m,); an equal start with ``||u(0)||_1 = 1`` when None.
        slope: of the activation for negative inputs, in [0, 1].

    Raises:
        ValueError: non-finite values, directions not of unit norm, shapes that disagree.
        TypeError: a dtype other than float64.

    Source: theory.md section 8.
    """

    directions: Tensor
    signs: Tensor
    ln_start: Tensor | None = None
    slope: float = 0.0

    def __post_init__(self) -> None:
        V = _check.real_array("directions", self.directions, ("m", "d"))
        off = (V.norm(dim=1) - 1.0).abs()
        if float(off.max()) > 1e-9:
            j = int(off.argmax())
            raise ValueError(
                f"directions[{j}] has norm {V[j].norm().item():.10g}; expected unit vectors"
            )
        m = V.shape[0]
        ln_start = V.new_full((m,), -math.log(m)) if self.ln_start is None else self.ln_start
        object.__setattr__(self, "directions", V)
        object.__setattr__(self, "signs", _check.signs("signs", self.signs, m))
        object.__setattr__(self, "ln_start", _check.real_array("ln_start", ln_start, (m,)))
        object.__setattr__(self, "slope", _check.number("slope", self.slope, 0.0, 1.0))
        _check.same_device(directions=V, signs=self.signs, ln_start=self.ln_start)

    @classmethod
    def from_network(cls, net: Network) -> Features:
        """Take the directions, signs and weights of a balanced network (``|a_j| = ||v_j|| > 0``)."""
        norms = net.V.norm(dim=1)
        unbalanced = (net.a.abs() - norms).abs() > 1e-9 * norms
        if bool((unbalanced | (norms == 0)).any()):
            j = int((unbalanced | (norms == 0)).nonzero()[0])
            raise ValueError(
                f"net has |a_{j}| = {abs(net.a[j].item()):.6g} and ||v_{j}|| = "
                f"{norms[j].item():.6g}; the coupled flow needs |a_j| = ||v_j|| > 0 for every j"
            )
        return cls(net.V / norms[:, None], net.a.sign(), 2.0 * norms.log(), net.slope)

    @classmethod
    def both_signs(cls, directions: Tensor, slope: float = 0.0) -> Features:
        """Give every direction one neuron of each sign, all equal at the start."""
        V = _check.real_array("directions", directions, ("m", "d"))
        signs = torch.cat([V.new_ones(len(V)), -V.new_ones(len(V))])
        return cls(torch.cat([V, V]), signs, None, slope)

    @property
    def m(self) -> int:
        """Width: the number of neurons."""
        return self.directions.shape[0]

    def to(self, device: torch.device | str) -> Features:
        """Return the same features on another device."""
        assert self.ln_start is not None
        return replace(
            self,
            directions=self.directions.to(device),
            signs=self.signs.to(device),
            ln_start=self.ln_start.to(device),
        )

    def potential(self, data: Dataset) -> Potential:
        """Return the potential F of the flow on a data set."""
        if data.d != self.directions.shape[1]:
            raise ValueError(
                f"data has d = {data.d} but the directions have d = {self.directions.shape[1]}"
            )
        _check.same_device(directions=self.directions, X=data.X)
        assert self.ln_start is not None
        return Potential(self.directions, self.signs, self.ln_start, data, self.slope)

    def ln_weights(self, data: Dataset, z: Any) -> Tensor:
        """Return ``ln |u_j|`` at the state z of a path, shape (m,)."""
        z = _check.real_array("z", z, (data.n,)).to(data.X.device)
        return self.ln_start + self.potential(data).growth(z)


def coupled_flow(
    net_or_features: Network | Features,
    data: Dataset,
    loss: str = "exponential",
    stop: Mapping[str, Any] | None = None,
    rtol: float = 1e-3,
    save: Sequence[float] | None = None,
    progress: bool = False,
    method: str = "sdirk2",
    max_steps: int = 10_000,
    resume: Path | None = None,
) -> Path:
    """Follow gradient flow with frozen inner directions, by implicit steps that are convex problems.

    Args:
        net_or_features: a balanced network, or `Features` (m neurons).
        data: the data set (n points).
        loss: "exponential" or "logistic".
        stop: the run ends when any of these is reached: ``tau`` (clock), ``ln_norm``
            (ln ||u||_1), ``margin`` (P_+/||u||_1), ``gap`` (certified relative gap, from above),
            ``when`` (a function of the row of scalars that returns True). Default:
            ``{"gap": 0.01}``.
        rtol: local error of z in the 1-norm, relative to max(1, tau).
        save: clock times to stop at and keep (steps land on them exactly); every step when None.
        progress: print a line about every two seconds.
        method: "sdirk2" (second order) or "euler" (first order; keeps every conclusion of the
            no-rotation theorem exactly, at any step size).
        max_steps: accepted steps at most.
        resume: a path of an earlier run with the same arguments, to be continued.

    Returns:
        A `Path` with columns ``tau``, ``ln_t``, ``ln_norm`` (ln ||u||_1 = ln(||W||^2/2)),
        ``margin`` (P_+/||u||_1), ``soft_ratio`` (the signed P/||u||_1), ``min_ratio``
        (min_i p_i/||u||_1), ``ln_P`` (ln P_+), ``ln_loss``, ``dual`` (D, an upper bound on
        gamma_frozen), ``gap`` ((D - margin)/D), ``J`` (an upper bound on the theorem's J); states
        ``z`` and ``q``, shape (k, n). ``ln_t`` and ``-ln_loss`` are inf once ln t itself is beyond
        the doubles; ``ln_P`` is then also ln(ln t) to all digits, and never overflows.
        An interrupt (Ctrl-C) ends the run and returns the path so far.

    Raises:
        ValueError, TypeError: arguments that do not fit together, each named with its value.

    Source: theory.md section 8; clocks: F1.
    """
    features = net_or_features
    if isinstance(features, Network):
        features = Features.from_network(features)
    if not isinstance(features, Features):
        raise TypeError(f"net_or_features is {type(features).__name__}; expected Network or Features")
    loss = _check.choice("loss", loss, LOSSES)
    table = METHODS[_check.choice("method", method, tuple(METHODS))]
    rtol = _check.number("rtol", rtol, 1e-12, 0.5)
    rules = _stop_rules(stop)
    run = _Run(features.potential(data), data.n, loss, table, rtol, resume)
    return run.follow(rules, _targets(save), progress, _check.integer("max_steps", max_steps, 1))


@dataclass(frozen=True)
class _Point:
    """The flow at one time: state, weights, margins."""

    tau: float
    z: Tensor
    weights: Weights
    margins: Margins
    ln_lam: float


class _Run:
    """One integration: the current point, the step size and the running integrals."""

    def __init__(
        self,
        potential: Potential,
        n: int,
        loss: str,
        table: tuple[tuple[float, ...], ...],
        rtol: float,
        resume: Path | None,
    ) -> None:
        self.potential, self.loss, self.table, self.rtol = potential, loss, table, rtol
        self.c_n = math.log(n if loss == "exponential" else 2 * n)
        self.stats = {"steps": 0.0, "rejected": 0.0, "evaluations": 0.0, "seconds": 0.0}
        self.recorder = Recorder(_CERTIFICATES)
        self.ln_t, self.J, self.h = -math.inf, 0.0, 0.1 * rtol**0.5
        z, tau, weights = potential.C.new_zeros(n), 0.0, None
        if resume is not None:
            z, tau, weights = self._resume(resume, z)
        margins = potential.margins(z)
        ln_lam = self._ln_lam(margins)
        if weights is None:
            p = margins.p * math.exp(min(margins.ln_scale, 600.0))
            ln_q = -p if loss == "exponential" else -softplus(p)
            weights = Weights(ln_q - torch.logsumexp(ln_q, 0), ln_lam)
        self.point = _Point(tau, z, weights, margins, ln_lam)

    def _resume(self, path: Path, z: Tensor) -> tuple[Tensor, float, Weights]:
        kind, size = path.meta.get("kind"), path.states.get("z", z[None, :0]).shape[1]
        if kind != "coupled" or size != len(z) or path.meta["loss"] != self.loss:
            raise ValueError(
                f"resume is a path of kind {kind!r} with {size} points and loss "
                f"{path.meta.get('loss')!r}; expected 'coupled', {len(z)} and {self.loss!r}"
            )
        self.ln_t, self.J = float(path["ln_t"][-1]), float(path["J"][-1])
        self.h = float(path.meta["h"])
        for index in range(len(path) - 1):
            row = {name: float(values[index]) for name, values in path.columns.items()}
            self.recorder.add(row, {name: a[index] for name, a in path.states.items()})
        for name, certificate in path.certificates.items():
            self.recorder.violation(name, certificate.value)
        self.stats |= path.stats
        ln_q = z.new_tensor(path.meta["ln_q"])
        weights = Weights(ln_q, float(path.meta["ln_lam"]))
        return z.new_tensor(path["z"][-1]), float(path["tau"][-1]), weights

    def _ln_lam(self, margins: Margins) -> float:
        """``ln sum_i |l'(p_i)|``; -inf once it is below every double."""
        if margins.ln_scale < 700.0:
            return float(dual_weights(margins.p * math.exp(margins.ln_scale), self.loss)[1])
        return -math.inf if soft_ratio(margins, self.loss) > 0 else math.inf

    def follow(
        self, rules: dict[str, Any], targets: list[float], progress: bool, max_steps: int
    ) -> Path:
        """Integrate until a rule is met; keep every step, or the target times only."""
        started, shown = time.perf_counter(), time.perf_counter()
        row = self._row()
        self._keep(row)
        reason = _reached(rules, row)
        ahead = [t for t in targets if t > self.point.tau]
        first = self.stats["steps"]
        try:
            while not reason:
                if targets and not ahead:
                    reason = f"reached the last time to save, tau = {self.point.tau:g}"
                    break
                if self.stats["steps"] - first >= max_steps:
                    reason = f"max_steps = {max_steps} taken before any stop rule was met"
                    break
                limit = ahead[0] if ahead else rules.get("tau", math.inf)
                if not self._advance(limit):
                    self.recorder.accumulate("failed_steps", 1.0)
                    reason = f"step size fell below {self.h:.1e} at tau = {self.point.tau:.6g}"
                    break
                before, row = row, self._row()
                self._certify(before, row)
                reason = _reached(rules, row)
                if not targets or (ahead and self.point.tau >= ahead[0]) or reason:
                    self._keep(row)
                    ahead = [t for t in ahead if t > self.point.tau]
                if progress and time.perf_counter() - shown > 2.0:
                    shown = time.perf_counter()
                    print(_line(row, self.stats), flush=True)
        except KeyboardInterrupt:
            reason = f"interrupted at tau = {self.point.tau:g}"
        self.stats["seconds"] += time.perf_counter() - started
        self.stats["evaluations"] += self.potential.evaluations
        if self.recorder.last_tau != self.point.tau:
            self._keep(row)
        weights = self.point.weights
        meta = {"kind": "coupled", "loss": self.loss, "rtol": self.rtol, "h": self.h}
        meta |= {"ln_q": weights.ln_q.tolist(), "ln_lam": weights.ln_lam}
        return self.recorder.path(reason, dict(self.stats), meta)

    def _advance(self, limit: float) -> bool:
        """Take one accepted step that does not pass ``limit``; False if none is small enough."""
        start, room = self.point, limit - self.point.tau
        while True:
            h = room if room < 1.5 * self.h else self.h
            if h < 1e-13 * max(1.0, start.tau):
                return False
            stages, z = self._stages(start, h)
            error = self._error(start, stages, h) if stages else math.inf
            if error <= 1.0:
                break
            self.stats["rejected"] += 1
            self.h = h * (0.25 if math.isinf(error) else max(0.2, 0.9 * error**-0.5))
        weights, margins = stages[-1]
        after = _Point(
            limit if h == room else start.tau + h, z, weights, margins, self._ln_lam(margins)
        )
        self._integrate(start, after)
        self.point = after
        self.stats["steps"] += 1
        proposed = h * min(3.0, max(0.2, 0.9 * max(error, 1e-4) ** -0.5))
        self.h = max(self.h, proposed) if h < self.h else proposed
        return True

    def _error(self, start: _Point, stages: list[tuple[Weights, Margins]], h: float) -> float:
        """Local error of z in the 1-norm in units of the tolerance: distance to a lower order."""
        last = stages[-1][0].q
        if len(stages) == 1:
            difference = 0.5 * (last - start.weights.q)
        else:
            difference = self.table[-1][-1] * (last - stages[-2][0].q)
        return h * float(difference.abs().sum()) / (self.rtol * max(1.0, start.tau))

    def _stages(self, start: _Point, h: float) -> tuple[list[tuple[Weights, Margins]], Tensor]:
        stages: list[tuple[Weights, Margins]] = []
        z, guess = start.z, start.weights
        for coefficients in self.table:
            known = start.z
            for coefficient, (weights, _) in zip(coefficients, stages, strict=False):
                known = known + h * coefficient * weights.q
            eta = h * coefficients[-1]
            evaluate = self.potential.near(known, eta)
            solution = implicit_weights(evaluate, known, eta, guess, self.loss)
            if not solution.converged:
                return [], z
            guess, z = solution.weights, known + eta * solution.weights.q
            stages.append((solution.weights, solution.margins))
        return stages, z

    def _integrate(self, start: _Point, end: _Point) -> None:
        """Advance an upper bound on J, and ln t with the slope of ln Lam constant in the step."""
        h, smaller = end.tau - start.tau, min(start.margins.ln_scale, end.margins.ln_scale)
        self.J += h * min(1.0, self.c_n * math.exp(min(-smaller, 600.0)))
        low, high = sorted((-start.ln_lam, -end.ln_lam))
        if math.isinf(high):
            self.ln_t = max(self.ln_t, high)
        else:
            width = high - low
            mean = 1.0 - width / 2 if width < 1e-8 else -math.expm1(-width) / width
            self.ln_t = float(np.logaddexp(self.ln_t, high + math.log(h * mean)))

    def _row(self) -> dict[str, float]:
        """The scalars at the current point."""
        point, tau = self.point, self.point.tau
        ratio = soft_ratio(point.margins, self.loss)
        margin, ln_norm = max(ratio, 0.0), point.margins.ln_scale
        dual = math.inf
        if tau > 0:
            dual = self.potential.summary(point.z)[0] / (2.0 * tau)
        ln_P = ln_norm + math.log(margin) if margin > 0 else -math.inf
        scaled = point.margins.p * math.exp(min(ln_norm, 700.0))
        ln_loss = float(log_loss(scaled, self.loss)) if ln_norm < 700.0 else -math.inf
        return {
            "tau": tau,
            "ln_t": self.ln_t,
            "ln_norm": ln_norm,
            "margin": margin,
            "soft_ratio": ratio,
            "min_ratio": float(point.margins.p.min()),
            "ln_P": ln_P,
            "ln_loss": ln_loss,
            "dual": dual,
            "gap": 1.0 if math.isinf(dual) else (dual - margin) / max(dual, 1e-300),
            "J": self.J,
        }

    def _keep(self, row: dict[str, float]) -> None:
        state = {"z": self.point.z.cpu().numpy(), "q": self.point.weights.q.cpu().numpy()}
        self.recorder.add(row, state)

    def _certify(self, before: dict[str, float], row: dict[str, float]) -> None:
        """Check F3, F5, duality and the clock on the step just taken."""
        note, margin = self.recorder.violation, row["margin"]
        if before["margin"] > 0:
            note("margin_decrease", (before["margin"] - margin) / before["margin"])
        mean = float(self.point.weights.q @ self.point.margins.p)
        ceiling = margin + self.c_n * math.exp(min(-row["ln_norm"], 600.0))
        unit = max(1.0, math.exp(min(-row["ln_norm"], 600.0)))
        note("sandwich", max(row["soft_ratio"] - mean, mean - ceiling) / unit)
        note("duality", margin - row["dual"])
        note("clock", abs(float(self.point.z.sum()) / row["tau"] - 1.0))


def _stop_rules(stop: Mapping[str, Any] | None) -> dict[str, Any]:
    rules = dict({"gap": 0.01} if stop is None else stop)
    known = ("tau", "ln_norm", "margin", "gap", "when")
    for name, value in rules.items():
        _check.choice("stop key", name, known)
        if name == "when":
            if not isinstance(value, Callable):  # type: ignore[arg-type]
                raise TypeError(f"stop['when'] is {value!r}; expected a function of the row")
        else:
            rules[name] = _check.number(f"stop[{name!r}]", value)
    if not rules:
        raise ValueError("stop is empty; expected at least one rule, for example {'gap': 0.01}")
    return rules


def _reached(rules: dict[str, Any], row: dict[str, float]) -> str:
    """The rule that the row meets, in words, or the empty string."""
    for name, target in rules.items():
        if name == "when":
            if target(row):
                return f"stop['when'] held at tau = {row['tau']:.6g}"
        elif (row[name] <= target) if name == "gap" else (row[name] >= target):
            return f"reached {name} = {row[name]:.6g} at tau = {row['tau']:.6g}"
    return ""


def _targets(save: Sequence[float] | None) -> list[float]:
    if save is None:
        return []
    times = _check.real_array("save", save, ("k",)).tolist()
    if times[0] < 0 or any(b <= a for a, b in zip(times, times[1:], strict=False)):
        raise ValueError(f"save is {times[:4]}...; expected increasing clock times >= 0")
    return times


def _line(row: dict[str, float], stats: dict[str, float]) -> str:
    return (
        f"tau {row['tau']:.4g}  ln||u|| {row['ln_norm']:.4g}  margin {row['margin']:.6g}  "
        f"gap {row['gap']:.2e}  steps {stats['steps']:.0f}"
    )
