"""Every public function and method, given wrong kinds, shapes, dtypes, values and devices.

From one valid call each argument in turn is replaced by everything that `wrong` and `damaged` make.
What comes back must be a result, an error that the docstring documents, or a TypeError or
ValueError raised by lowrot itself that names an argument.
"""

import functools
import importlib.util
import inspect
import linecache
import re
import traceback
import types
import warnings
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

import lowrot
from lowrot import (
    curves,
    data,
    diagnosis,
    kernels,
    losses,
    metrics,
    optima,
    plots,
    sgd,
    sweeps,
    testing,
    theorems,
)

PACKAGE = str(FilePath(lowrot.__file__).parent)
ROOMS = (
    lowrot,
    curves,
    data,
    diagnosis,
    kernels,
    losses,
    metrics,
    optima,
    plots,
    sgd,
    sweeps,
    testing,
    theorems,
)
SVM = [] if importlib.util.find_spec("sklearn") is None else [True]
"""Something where scikit-learn is installed, without which `kernel_svm` refuses every call."""
EXEMPT = {
    # Made by the library, not by its users; the methods of theorems are called by what makes them.
    "Check", "CollapseMetrics", "Escape", "EscapeMargins", "FeatureChange", "Hypothesis",
    "ExactRecovery", "FeatureLearning", "InvariantFeatures", "KKTResidual", "KernelSVM",
    "NearInitFlow", "NearInitSGD", "NeuralCollapse", "NoRotation", "NotSeparable", "PowerLaw",
    "KernelSVM.__call__", "Recovery", "SamplesNeeded", "Shape", "Fragment", "Optimum", "Statement",
    "Locking", "RegressionCertificate", "RegressionOuter", "SimplicityBias", "SmallStart",
    "StoreError", "SweepFailed", "Symmetric",
    "Decision", "Diagnosis", "Diagnosis.to_html", "Findings.__getitem__", "Findings.count",
    "Findings.quantities", "Findings.to_frame", "Needed", "Quantity", "Ran", "Verdict",
    "LeastInterpolant", "OuterRisk", "SingleNeuron", "Spline",
    # Style and layout alone; `figure` is a decorator.
    "figure", "grid", "legend_below", "legend_under", "log_axes", "narrow", "night", "table",
    "use_style",
    # The inside of the reference flow.
    "minimal_norm_element",
}  # fmt: skip


class World:
    """One small valid object of each kind; no call changes them."""

    def __init__(self, folder):
        self.net = lowrot.in_plane([80.0, -80.0, 5.0, 170.0], [0.1, 0.2, 0.1, 0.1], [1, 1, 1, -1])
        self.points = lowrot.two_points(1.2)
        self.grouped = lowrot.collapsed_groups(2, 2, sizes=2)
        self.features = lowrot.Features.from_network(self.net)
        rules = {"stop": {"tau": 2.0}, "save": [1.0, 2.0]}
        self.flow = lowrot.gradient_flow(self.net, self.points, **rules)
        self.mirrored = lowrot.symmetric_pairs()
        self.leaky = lowrot.small(lowrot.balanced(4, 2, seed=0, slope=0.1), 0.1)
        self.turning = lowrot.gradient_flow(self.leaky, self.mirrored, **rules)
        self.coupled = lowrot.coupled_flow(self.net, self.points, **rules)
        self.regression = lowrot.regression_flow(
            self.net, self.points.X, self.points.y, stop={"t": 0.5}
        )
        self.runs = lowrot.one_pass_sgd(self.net, self.points, samples=3, eta=0.1, keep=True)
        self.q = torch.tensor([0.25, 0.75], dtype=torch.float64)
        self.file, self.kept = folder / "data.npz", folder / "path.npz"
        self.table = folder / "data.csv"
        self.table.write_text("a,b,y\n0.1,0.2,1\n0.3,0.5,-1\n")
        np.savez(self.file, X=self.points.X.numpy(), y=[1, -1])
        self.flow.save(self.kept)
        self.store, self.slice = folder / "sweep.db", folder / "slice.csv"
        self.frame = pd.DataFrame({"x": [1.0]})
        self.three = pd.DataFrame({"a": [0.5, 1.0], "y": [1, -1]})
        sweeps.to_csv(self.frame, self.slice, "none")
        self.best = lowrot.svm_margin(self.points)
        self.tangent = lowrot.ntk_margin(self.net, self.points, layers="both")
        self.cube = lowrot.sparse_parity(3)
        self.needed = curves.samples_needed([1, 2], [[0.1, 0.0], [0.2, 0.0]], resamples=3)
        self.stated = theorems.invariant_features(3, 2)
        self.recovered = theorems.recovery(self.cube)
        self.risk = theorems.outer_risk(self.net, self.points.X, self.net)
        self.ax = plt.figure().add_subplot()
        self.made = [
            (theorems.no_rotation(self.features, self.points), self.coupled),
            (theorems.near_init_flow(self.net, self.points), self.flow),
            (
                theorems.near_init_sgd(self.net, self.points, samples=3, eta=0.1),
                self.runs.paths[0],
            ),
            (theorems.neural_collapse(self.net, self.points), self.flow),
            (theorems.escape(self.net, 1.2), self.flow),
            (theorems.symmetric(self.leaky, self.mirrored), self.turning),
            (theorems.simplicity_bias(self.leaky, self.mirrored), self.turning),
            (theorems.locking(self.leaky, self.mirrored, [1.0, 0.0]), self.turning),
            *(
                (make(self.net, self.points.X, self.points.y), self.regression)
                for make in (theorems.regression_outer, theorems.regression_certificate)
            ),
        ]


def product(a, seed):
    """What a sweep calls."""
    return {"value": a * seed}


class Stranger:
    """What lowrot knows nothing of, and can be made of anything."""

    def __init__(self, *given):
        self.given = given


class Call(NamedTuple):
    """A valid call: what is called, and its arguments by name."""

    name: str
    what: Any
    given: dict


def call(what, **given):
    return Call(what.__qualname__, what, given)


def valid_calls(w):
    net, points, grouped, features = w.net, w.points, w.grouped, w.features
    run = {"rtol": 1e-2, "save": [0.5], "progress": False, "max_steps": 20, "resume": None}
    X, y, q, a, V = points.X, points.y, w.q, net.a, net.V
    directions, signs = features.directions, features.signs
    draw = data.parity_stream(2).draw
    return [
        call(lowrot.Dataset, X=X, y=y, groups=[0, 1], name="", known={}),
        call(lowrot.Dataset.to, self=points, device="cpu"),
        call(lowrot.load, path=w.file, scale=True, target="y", features="X", positive=1),
        call(lowrot.load, path=w.file, positive=1, sep=None, decimal=None),
        call(
            lowrot.load, path=w.table, scale=True, target="y", features=["a", "b"], positive=1,
            sep=",", decimal=".",
        ),
        call(lowrot.load, path=pd.read_csv(w.table), target="y", features=["b"], positive=1),
        call(
            lowrot.diagnose, net_or_width=2, data=w.three, task="auto", pair=None, rest=None,
            positive=None, target="y", features=["a"], sep=None, decimal=None, standardize=False,
            slope=0.0, seed=0, run=False, progress=False,
        ),
        call(lowrot.infer_groups, data=points),
        call(lowrot.largest_separated, data=points),
        call(lowrot.sparse_parity, d=2, k=2, n=3, seed=0),
        call(lowrot.two_points, phi=1.2),
        call(
            lowrot.collapsed_groups, r=2, d=4, sizes=[2, 3], spread=0.1, labels=[1, -1], blocks=2,
            mirrored=True, seed=0,
        ),
        call(lowrot.symmetric_pairs, pairs=2, d=2, gamma=0.3, zero_mean=True, seed=0),
        call(lowrot.fragile_pairs, b=0.1, h=0.2, d=2, tilt=0.1, completed=False),
        call(
            lowrot.gaussian_regression, n=3, d=2, labels="slow", seed=0, net=w.net,
            rates=(1.0, 2.0),
        ),
        call(data.RegressionData, X=points.X, y=points.y, name="points"),
        call(lowrot.parity_stream, d=3, k=2),
        call(lowrot.Stream, draw=draw, population=points, name="stream"),
        call(lowrot.Stream.resampled, data=points),
        call(lowrot.Stream.ordered, data=points),
        call(lowrot.Network, a=a, V=V, slope=0.0),
        call(lowrot.Network.to, self=net, device="cpu"),
        call(lowrot.Network.__call__, self=net, X=X),
        call(lowrot.Network.margins, self=net, data=points),
        call(lowrot.Network.gradient, self=net, data=points, q=q),
        call(lowrot.Network.tangent, self=net, data=points, outer=a, inner=V),
        call(lowrot.Network.kernel, self=net, data=points, layers="both"),
        call(lowrot.Network.chunks, self=net, n=2),
        call(lowrot.standard, m=3, d=2, seed=0, slope=0.1),
        call(lowrot.balanced, m=3, d=2, seed=0, slope=0.1),
        call(lowrot.in_plane, degrees=[10.0, 20.0], masses=[1.0, 2.0], signs=[1, -1]),
        call(lowrot.small, net=net, scale=0.1),
        call(lowrot.paired, net=net),
        call(lowrot.normalized_margin, net=net, data=points),
        call(lowrot.smoothed_margin, net=net, data=points, loss="logistic"),
        call(lowrot.rotation, net=net, initial=net),
        call(lowrot.feature_change, net=net, initial=net, data=points, kink=1e-9),
        call(lowrot.kkt_residual, net=w.flow.network(), data=points, kink=1e-9),
        call(lowrot.collapse_metrics, net=net, data=grouped, by="groups", rays=False),
        call(lowrot.test_error, predictor=net, population=2, pair=(0, 1), zero=0.0),
        call(lowrot.correlation, predictor=net, population=points, pair=(0, 1)),
        call(lowrot.parity_recovery, data=w.cube, pair=(0, 1)),
        call(lowrot.svm_margin, data=points),
        call(lowrot.frozen_margin, directions=directions, signs=signs, data=points, slope=0.0),
        call(lowrot.global_margin, data=points, slope=0.0, search=4, seed=0),
        call(lowrot.ntk_margin, net=net, data=points, layers="both", norm="pointwise"),
        call(
            lowrot.gradient_flow, net=net, data=points, loss="logistic", layers="both",
            stop={"tau": 0.5}, **run,
        ),
        call(
            lowrot.regression_flow, net=net, X=X, y=y, rates=(1.0, 1.0), stop={"t": 0.5}, **run
        ),
        call(
            lowrot.coupled_flow, net_or_features=features, data=points, loss="logistic",
            method="sdirk2", stop={"tau": 0.5}, **run,
        ),
        call(
            lowrot.Features, directions=directions, signs=signs, ln_start=features.start,
            slope=0.0,
        ),
        call(lowrot.Features.from_network, net=net),
        call(lowrot.Features.both_signs, directions=directions, slope=0.0),
        call(lowrot.Features.to, self=features, device="cpu"),
        call(lowrot.Features.potential, self=features, data=points),
        call(lowrot.Features.ln_weights, self=features, data=points, z=w.coupled["z"][-1]),
        call(lowrot.Features.shares, self=features, data=points, z=w.coupled["z"]),
        call(
            lowrot.one_pass_sgd, net=net, stream=points, samples=3, eta=0.1, update="logistic",
            seeds=0, test=points, records=[1, 2], keep=True, progress=False,
        ),
        call(lowrot.Runs.end, self=w.runs, run=0),
        call(lowrot.Runs.frame, self=w.runs),
        call(
            lowrot.Path, columns=w.flow.columns, states=w.flow.states, stats=w.flow.stats,
            certificates=w.flow.certificates, reason="", meta={}, outcome=w.flow.outcome,
        ),
        call(lowrot.Path.__getitem__, self=w.flow, name="tau"),
        call(lowrot.Path.frame, self=w.flow),
        call(lowrot.Path.certificate_frame, self=w.flow),
        call(lowrot.Path.at, self=w.flow, tau=1.0),
        call(lowrot.Path.network, self=w.flow, index=-1),
        call(lowrot.Path.save, self=w.flow, path=w.kept),
        call(lowrot.Path.load, path=w.kept),
        call(
            lowrot.claim, id="a-claim", statement="one", measured=[1.0], relation="~", bound=1.0,
            provenance="derived", tolerance=0.1, seeds=[0, 1], path=[w.flow],
        ),
        call(losses.log_loss, p=q, loss="logistic"),
        call(losses.soft_margin, p=q, loss="logistic"),
        call(losses.dual_weights, p=q, loss="logistic"),
        call(losses.entropy_constant, n=2, loss="logistic"),
        call(losses.as_loss, loss="logistic"),
        call(testing.reference_flow, net=net, data=points, tau=0.1, steps=2, loss="logistic"),
        call(testing.fixed_steps, net=net, data=points, tau=0.1, steps=2, loss="logistic"),
        call(testing.planted, bug="no sliding"),
        *kernel_calls(w),
        *theorem_calls(w),
        *plot_calls(w),
    ]  # fmt: skip


def kernel_calls(w):
    X, y, cube, kernel = w.points.X, w.points.y, w.cube, kernels.ntk
    return [
        call(kernels.ntk, X=X, Z=X, block="full", slope=0.1),
        call(kernels.outer_floor, X=X),
        call(kernels.parity_kernel, X=cube.X, Z=cube.X),
        call(kernels.interpolant, kernel=kernel, data=cube),
        *(SVM and [call(kernels.kernel_svm, kernel=kernel, data=cube, bias=False, tolerance=1e-6)]),
        call(kernels.spline_kernel, x=w.q, z=w.q, H=1.0),
        call(kernels.spline_interpolant, x=w.q, y=y, H=1.0),
        call(kernels.Spline.__call__, self=kernels.spline_interpolant(w.q, y), x=w.q),
        call(kernels.KernelPredictor, kernel=kernel, X=X, weights=w.q, bias=0.0),
        call(
            kernels.KernelPredictor.__call__, self=kernels.interpolant(kernel, cube), X=cube.X
        ),
        call(
            curves.samples_needed, sizes=[1, 2], errors=[[0.1, 0.0], [0.2, 0.0]], level=0.05,
            confidence=0.9, resamples=3, seed=0,
        ),
        call(curves.power_law, x=[2, 3], needed=[w.needed, w.needed], confidence=0.9, seed=0),
    ]  # fmt: skip


def theorem_calls(w):
    net, points, grouped = w.net, w.points, w.grouped
    calls = [
        call(
            theorems.no_rotation, net_or_features=w.features, data=points, loss="exponential"
        ),
        call(theorems.near_init_flow, net=net, data=points, loss="exponential", layers="outer"),
        call(
            theorems.near_init_sgd, net=net, data=points, samples=3, eta=0.1, update="logistic"
        ),
        call(
            theorems.neural_collapse, net=net, data=grouped, loss="exponential", opposite=False
        ),
        call(theorems.escape, net=net, phi=1.2),
        call(
            theorems.symmetric, net=w.leaky, data=w.mirrored, part="locked", loss="exponential"
        ),
        call(
            theorems.simplicity_bias, net=w.leaky, data=w.mirrored, loss="exponential", until=0.1
        ),
        call(
            theorems.locking, net=w.leaky, data=w.mirrored, direction=[1.0, 0.0],
            loss="exponential",
        ),
        call(
            theorems.regression_outer, net=net, X=points.X, y=points.y, rates=(1.0, 2.0)
        ),
        call(
            theorems.regression_certificate, net=net, X=points.X, y=points.y, rates=(1.0, 2.0),
            delta=0.1,
        ),
        call(optima.least_interpolant, X=points.X, y=points.y),
        call(optima.largest_of_dual, X=points.X, q=w.q),
        call(theorems.single_neuron, X=points.X, w=[1.0, 0.0]),
        call(theorems.single_neuron(points.X, [1.0, 0.0]).network),
        call(theorems.outer_risk, net=net, X=points.X, target=net),
        call(w.risk.variance, t=[0.0, 1.0]),
        call(w.risk.bias_squared, t=1.0),
        call(w.risk.risk, t=1.0, sigma=0.1),
        call(w.risk.weights, t=1.0, y=points.y),
        call(theorems.escape_margins, phi=1.2),
        call(
            lowrot.sweep, function=product, grid={"a": [1, 2]}, seeds=[0], store=w.store,
            backend="threads", progress=False, workers=1, changed="refuse",
        ),
        call(sweeps.to_csv, frame=w.frame, file=w.slice, command="none", digits=4, note=""),
        call(sweeps.read_csv, file=w.slice),
        call(theorems.escape_probabilities, m=3, phi=1.2),
        call(theorems.start_pattern, net=net, phi=1.2),
        call(theorems.patterns, path=w.flow, phi=1.2),
        call(theorems.good_neurons, net=net, data=grouped, opposite=False),
        call(theorems.plane_arcs, data=grouped, opposite=False),
        call(theorems.plane_fractions, data=grouped, opposite=False),
        call(theorems.cap_fractions, data=grouped, opposite=False),
        call(
            theorems.sampled_fractions, data=grouped, samples=10, seed=0, opposite=False,
            confidence=0.9,
        ),
        call(theorems.uncovered, fractions=[0.1, 0.2], m=3),
        call(theorems.width_needed, fractions=[0.1, 0.2], delta=0.1),
        call(theorems.cap_fraction, d=3, eps=0.5),
        call(theorems.covering_failure, d=3, m=4, eps=0.5, count=2),
        call(theorems.covering_error, d=3, m=4, count=2, delta=0.1),
        call(theorems.binomial_interval, hits=[1, 2], trials=3, confidence=0.9),
        call(theorems.margin_error, margin=0.1, n=10, delta=0.1, slope=0.0, fixed=False),
        call(theorems.margin_samples, margin=0.1, error=0.1, delta=0.1, slope=0.0, fixed=False),
        call(theorems.leave_one_out, ratio=2.0, n=3),
        call(theorems.invariant_features, d=3, r=2),
        call(w.stated.learnt, shape=theorems.sign_shape(0.1)),
        call(w.stated.rank_needed, shape=theorems.sign_shape(0.1)),
        call(w.stated.check, correlations=[0.5, 0.5, 0.0]),
        call(w.stated.feature_learning, correlations=[0.5, 0.9]),
        call(theorems.sign_shape, error=0.1),
        call(theorems.gaussian_shape, error=0.1),
        call(theorems.polynomial_shape, degree=2, error=0.1),
        call(theorems.shape_of, outputs=[0.1, 2.0], error=0.1),
        call(theorems.recovery, data=w.cube, pair=(0, 1), delta=0.1),
        call(theorems.recovery_samples, d=3, delta=0.1, part=0.5),
        call(w.recovered.failure, deviation=0.1),
        call(w.recovered.error_bound, kappa=[0.1]),
        call(w.recovered.deviation, starts=2, seed=0),
        call(w.recovered.check, net=lowrot.balanced(3, 3)),
    ]  # fmt: skip
    for theorem, path in w.made:
        usual = {"self": theorem, "path": path, "J": 1.0, "delta": 0.1, "error": 0.1, "index": 0}
        usual |= {"net": w.net, "m": 4}
        for _, method in public_methods(type(theorem)):
            asked = [p for p in inspect.signature(method).parameters if p != "names"]
            given = {p: usual.get(p, [0.5, 1.0]) for p in asked}
            calls.append(Call(method.__qualname__, method, given))
    return calls


def plot_calls(w):
    net, points, flow = w.net, w.points, w.flow
    drawn = {"ax": w.ax, "title": "title"}
    masses = flow["a"] * np.linalg.norm(flow["V"], axis=2)
    moved = {"directions": flow["V"], "masses": masses, "readout": {"time": flow["tau"]}}
    theorem, run = w.made[1]
    axis = {"label": "x", "low": 0.0, "high": 1.0, "ticks": [0.5], "log": False}
    curve = {"name": "one", "frames": [([0.0, 1.0], [0.5, 0.6])], "look": "plus"}
    slider = {"name": "time", "texts": ["one", "two"], "start": 1, "plays": True}
    chart = {"x": plots.Axis(**axis), "y": plots.Axis(**axis), "curves": [plots.Curve(**curve)]}
    chart |= {"title": "one", "readout": ["a", "b"], "square": False, "about": "one"}
    return [
        call(plots.Axis, **axis),
        call(plots.Curve, **curve),
        call(plots.Slider, **slider),
        call(plots.Chart, **chart),
        call(
            plots.explorer, charts=[plots.Chart(**chart)], sliders=[plots.Slider(**slider)],
            description="one",
        ),
        call(
            plots.bounds, check=theorem.check(run), panels={"P": ["P", "floor"]},
            against="tau", scale="linear",
        ),
        call(plots.certificate, optimum=w.best, data=points, predict=lambda X: X @ w.best.primal),
        call(
            columns_by_name, path={"one": flow}, names=["P"], levels={"P": 1.0}, against="tau",
            scale="log", log=["P"],
        ),
        call(
            plots.convergence, series={"one": ([1.0, 2.0], [3.0, 4.0])}, labels=("x", "y"),
            slope=1.0, lines=True, ax=w.ax,
        ),
        call(plots.decision_regions, predict=net, data=points, level=0.1, q=w.q, **drawn),
        call(plots.dual_curve, q=w.q, data=points, value=1.0, net=net, slope=0.1, **drawn),
        call(plots.optimal_directions, net=net, data=points, q=w.q, **drawn),
        call(plots.orthographic, V=np.ones((2, 3))),
        call(plots.points, data=points, ax=w.ax, q=w.q),
        call(plots.require_plane, name="figure", data=points),
        call(plots.ring, before=net, after=net, data=points, shown=3, **drawn),
        call(plots.Panel, title="one", data=points, **moved),
        call(
            plots.Panel.from_path, path=flow, data=points, title="one", taus=[1.0, 2.0],
            readout={"time": "tau"},
        ),
        call(
            plots.scrubber, panels=[plots.Panel("one", points, **moved)], taus=flow["tau"],
            description="neurons", clock="t",
        ),
        call(plots.sliding_neurons, path=flow, data=points, **drawn),
        call(plots.square, **drawn),
        call(plots.tangent_predictor, net=net, theta=w.tangent.primal),
    ]  # fmt: skip


@functools.wraps(plots.columns)
def columns_by_name(path, names, **given):
    return plots.columns(path, *(names if isinstance(names, (list, tuple)) else [names]), **given)


def public_methods(kind):
    """The public methods that lowrot defines for a class, by name."""
    for name, member in inspect.getmembers(kind):
        member = getattr(member, "__func__", member)
        mine = isinstance(member, types.FunctionType) and member.__module__.startswith("lowrot")
        if (
            mine
            and not getattr(member, "__isabstractmethod__", False)
            and (not name.startswith("_") or name in ("__call__", "__getitem__"))
        ):
            yield name, member


def wrong(w):
    """Values that are wrong almost everywhere, by name."""
    double = torch.ones(2, dtype=torch.float64)
    return {
        "None": None, "a boolean": True, "text": "text", "no text": "", "bytes": b"b",
        "zero": 0, "a negative": -3, "a fraction": 0.5, "complex": 1j, "nan": float("nan"),
        "inf": float("inf"), "-inf": -float("inf"), "a huge integer": 10**400,
        "text of a number": "1", "numpy complex": np.complex128(1j), "numpy bool": np.bool_(True),
        "an object": object(), "a class": Stranger, "a function": lambda *given: None,
        "a generator": (i for i in range(2)), "a set": {1, 2}, "a mapping": {"a": 1},
        "no list": [], "a list": [1.0, 2.0], "a ragged list": [[1.0], [1.0, 2.0]],
        "a list of None": [None, None], "a list of text": ["a", "b"], "a list of nan": [np.nan] * 2,
        "a list of negatives": [-1.0, -2.0], "nested lists": [[[1.0]]],
        "float32": np.ones(2, dtype=np.float32), "longdouble": np.ones(2, dtype=np.longdouble),
        "complex array": np.full(2, 1j), "object array": np.array([None, 1], dtype=object),
        "masked array": np.ma.masked_array([1.0, 2.0], [False, True]),
        "masked number": np.ma.masked, "empty array": np.zeros((0, 2)),
        "a date": np.datetime64("2020-01-01"), "a matrix": np.eye(2), "a cube": np.ones((2, 2, 2)),
        "a sparse matrix": sparse.csr_matrix(np.eye(2)), "tensor of float32": double.float(),
        "complex tensor": double + 1j, "meta tensor": double.to("meta"),
        "meta number": torch.ones((), dtype=torch.float64, device="meta"),
        "sparse tensor": torch.eye(2, dtype=torch.float64).to_sparse(),
        "tensor of nan": double * torch.nan, "tensor with gradient": double.requires_grad_(),
        "net of another d": lowrot.balanced(6, 3), "net of another m": lowrot.balanced(4, 2),
        "zero net": lowrot.Network([0.0], [[0.0, 0.0]]), "net": w.net,
        "dead net": lowrot.Network([1.0, 1.0], [[0.0, 0.0], [1.0, 0.0]]),
        "data of another d": lowrot.sparse_parity(3), "data": w.points, "groups": w.grouped,
        "one point": lowrot.Dataset([[1.0, 0.0]], [1.0]),
        "nets": [w.net, None], "features": w.features, "runs": w.runs, "a flow": w.flow,
        "a coupled flow": w.coupled, "a regression": w.regression, "a path of sgd": w.runs.paths[0],
        "a bare path": lowrot.Path({"tau": np.zeros(1)}), "a list of paths": [w.flow, None],
        "theorem": w.made[0][0], "stream": data.parity_stream(3),
        "bad rule": {"tau": None}, "rule of nan": {"tau": float("nan")},
        "rule of text": {"when": "text"}, "failing rule": {"when": lambda row: row["none"]},
        "device": torch.device("meta"), "path": FilePath("none"),
    }  # fmt: skip


def damaged(value):
    """Copies of a valid value that are not quite valid, by name."""
    if isinstance(value, (list, tuple)) and value:
        yield "shorter", value[:-1]
        yield "longer", [*value, value[-1]]
        yield "with None", [*value[:-1], None]
        yield "with text", [*value[:-1], "text"]
        yield "reversed", value[::-1]
        yield "masked", np.ma.masked_array(np.zeros(len(value)), mask=True)
    if isinstance(value, (torch.Tensor, np.ndarray)):
        tensor = torch.as_tensor(value)
        broken = tensor.clone()
        broken.view(-1)[-1] = torch.nan
        yield "shorter", tensor[:-1]
        yield "none", tensor[:0]
        yield "one axis more", tensor[None]
        yield "with nan", broken
        yield "in single precision", tensor.float()
        yield "without values", tensor.to("meta")
        yield "complex", tensor + 1j
        yield "masked", np.ma.masked_array(tensor.numpy(), tensor.numpy() > 0.3)
        yield "zero", 0 * tensor
        yield "text", tensor.numpy().astype(str)


def complaint(made, argument, value):
    """What is wrong with how a call takes a value for an argument, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            drive(made.what(**{**made.given, argument: value}))
        except Exception as error:
            return wrong_error(made, error)
    return None


def drive(result):
    """Run what a call has only prepared."""
    if isinstance(result, types.GeneratorType):
        list(result)
    elif hasattr(result, "__enter__"):
        with result:
            pass


def wrong_error(made, error):
    """What is wrong with an error, or None."""
    kind = type(error).__name__
    documented = re.search(r"Raises:\n(.*?)(\n\n|\n\s*$|$)", inspect.getdoc(made.what) or "", re.S)
    if documented and kind in documented[1] and kind not in ("ValueError", "TypeError"):
        return None
    last = traceback.extract_tb(error.__traceback__)[-1]
    if last.filename == __file__:
        return None  # a rule's own error: it is not lowrot's to rename
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    where = f"{FilePath(last.filename).name}:{last.lineno}: {kind}: {str(error)[:200]}"
    if kind not in ("ValueError", "TypeError", "NotSeparable"):
        return f"another kind of error at {where}"
    if not (last.filename.startswith(PACKAGE) and line.startswith("raise ")):
        return f"not raised by lowrot, at {where}"
    names = "|".join([*made.given, *"_or_".join(made.given).split("_or_")])
    if kind != "NotSeparable" and not re.search(rf"\b({names})\b", str(error)):
        return f"no argument is named, at {where}"
    return None


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("arguments"))


def test_wrong_arguments_are_named_in_a_typed_error(world, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    found = []
    for made in valid_calls(world):
        plt.close("all")
        world.ax.clear()
        for argument in made.given:
            if argument == "self":
                continue
            values = [*wrong(world).items(), *damaged(made.given[argument])]
            for name, value in values:
                fault = complaint(made, argument, value)
                if fault:
                    found.append(f"{made.name}({argument}={name}): {fault}")
    assert not found, f"{len(found)} faults\n" + "\n".join(found)


def test_the_calls_are_valid_and_all(world):
    known = {"Runs", "Theorem"}
    for made in valid_calls(world):
        drive(made.what(**made.given))
        known.add(made.name)
    public = set()
    for room in ROOMS:
        for name in getattr(room, "__all__", vars(room)):
            thing = None if name.startswith("_") else getattr(room, name)
            if inspect.isclass(thing) and "__all__" in vars(room):
                public |= {thing.__qualname__}
                public |= {method.__qualname__ for _, method in public_methods(thing)}
            elif inspect.isfunction(thing) and thing.__module__.startswith("lowrot"):
                public |= {thing.__qualname__}
    public -= EXEMPT if SVM else EXEMPT | {"kernel_svm"}
    public = {name for name in public if not name.startswith("_")}
    assert public <= known, public - known
