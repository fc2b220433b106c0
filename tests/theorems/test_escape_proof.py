"""Two points of one label: the lines of the proof hold along flows, and broken flows are seen."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lowrot import escape, gradient_flow, in_plane, two_points
from lowrot.path import Path

PHI = math.radians(75)
STARTS = {
    "uncovered": in_plane([80, 40, 20, 180], [1e-3] * 4, [1, 1, -1, 1]),
    "all on both": in_plane([14, -13, 6, 30], [0.05, 0.01, 0.01, 1e-3], [1, 1, 1, -1]),
    "one-sided": in_plane([70, -10, 30, 180], [1e-3] * 4, [1, 1, -1, 1]),
    "other side": in_plane([-70, 10, -30, 180], [1e-3] * 4, [1, 1, -1, 1]),
    "covered": in_plane([70, -60, 30, 180], [1e-3] * 4, [1, 1, -1, 1]),
}


@pytest.fixture(scope="module")
def proofs():
    data = two_points(PHI)
    return {
        name: (escape(net, PHI), gradient_flow(net, data, stop={"tau": 60}))
        for name, net in STARTS.items()
    }


def changed(path, columns=None, **states):
    return Path({**path.columns, **(columns or {})}, {**path.states, **states}, meta=path.meta)


@pytest.mark.parametrize("name", STARTS)
def test_every_line_holds(name, proofs):
    theorem, path = proofs[name]
    assert theorem.holds
    proof = theorem.inequalities(path)
    assert proof.holds, proof.slack
    lines = {
        "uncovered": {"no neuron arrives", "margin of the uncovered point <= 0"},
        "all on both": {"the barrier holds", "no more than the middle", "growth of the norm"},
        "one-sided": {"the barrier holds", "dual weights below the barrier", "goodness persists"},
        "other side": {"the barrier holds", "dual weights below the barrier", "goodness persists"},
        "covered": {"goodness persists", "growth of the potential"},
    }
    assert lines[name] <= set(proof.slack)
    assert proof.frame.tau.is_monotonic_increasing
    assert proof.frame.tau.iloc[-1] == path["tau"][-1]


def test_lines_of_an_uncovered_start(proofs):
    theorem, path = proofs["uncovered"]
    frame = theorem.inequalities(path).frame
    # x_-, at -75 degrees, is uncovered: of the neurons with a > 0 that at 180 is nearest, 105 off.
    assert frame["product"].iloc[0] == pytest.approx(math.cos(math.radians(105)))
    # Its margin at the start is that of the neuron with a < 0 at 20 degrees, 95 off: none.
    assert frame.margin_there.iloc[0] == 0.0
    V = path["V"].copy()
    V[5, 1] = [0.1, -1.0]
    slack = theorem.inequalities(changed(path, V=V)).slack
    assert slack["no neuron arrives"] < 0
    assert slack["margin of the uncovered point <= 0"] < 0


def test_lines_of_a_trapped_start(proofs):
    theorem, path = proofs["all on both"]
    frame, levels = theorem.inequalities(path).frame, theorem.margins
    start = theorem.net
    p = two_points(PHI).X @ (start.a[:3, None] * start.V[:3]).sum(dim=0)
    assert frame.difference.iloc[0] == pytest.approx(abs(float(p[0] - p[1])))
    assert frame.negative.iloc[0] == pytest.approx(1e-3)
    assert frame.difference_bound.iloc[0] == levels.start
    assert frame.growth.iloc[0] == pytest.approx(frame.potential.iloc[0])
    growth = np.diff(frame.growth) / np.diff(frame.tau)
    np.testing.assert_allclose(growth, 2 * math.cos(PHI), rtol=1e-9)
    # Late, all mass is in the middle: nothing is lost above.
    assert frame.half_sum.iloc[-1] == pytest.approx(frame.half_sum_bound.iloc[-1], rel=1e-4)
    assert frame.ln_norm.iloc[-1] == pytest.approx(frame.potential.iloc[-1], abs=1e-4)


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ("the barrier holds", lambda path, late: {"q": 0 * path["q"] + [0.4, 0.6]}),
        ("negative neurons stay small", lambda path, late: {"a": path["a"] + [0, 0, 0, -2]}),
        ("no more than the middle", lambda path, late: {"a": 1.5 * path["a"]}),
        (
            "growth on both",
            lambda path, late: {"V": path["V"] * np.exp(-0.1 * late)[:, None, None]},
        ),
        ("growth on both below the norm", {"norm_squared": 0.5}),
        ("growth of the norm", {"margin": 0.1}),
    ],
)
def test_each_line_of_a_trapped_start_is_seen_to_fail(line, change, proofs):
    theorem, path = proofs["all on both"]
    late = path["tau"]
    if isinstance(change, dict):
        ((name, factor),) = change.items()
        broken = changed(path, {name: np.where(late > 0, factor, 1.0) * path[name]})
    else:
        states = {
            name: np.where((late > 0).reshape(-1, *[1] * (v.ndim - 1)), v, path[name])
            for name, v in change(path, late).items()
        }
        broken = changed(path, **states)
    assert theorem.inequalities(broken).slack[line] < -1e-4


@pytest.mark.parametrize(("name", "sign"), [("one-sided", 1), ("other side", -1)])
def test_lines_of_a_one_sided_start(name, sign, proofs):
    theorem, path = proofs[name]
    frame, levels = theorem.inequalities(path).frame, theorem.margins
    early = frame[frame.lead.notna()]
    assert 1 < len(early) < len(path)
    # The neuron alone on a point leads on it, by a D that both sides see with their own sign.
    assert (early.lead > 0).all()
    assert early.dual.iloc[1] == pytest.approx(sign * (path["q"][1, 0] - path["q"][1, 1]))
    assert (early.lead_bound == -levels.start).all()
    q = path["q"].copy()
    q[1] = [0.9, 0.1] if sign > 0 else [0.1, 0.9]
    broken = theorem.inequalities(changed(path, q=q)).slack
    assert broken["the barrier holds"] < 0
    assert broken["dual weights below the barrier"] < 0
    q[1] = q[1, ::-1]
    assert theorem.inequalities(changed(path, q=q)).holds


def test_a_one_sided_path_that_is_not_covered_yet_has_the_early_lines_only(proofs):
    theorem, path = proofs["one-sided"]
    part = Path(
        {name: values[:3] for name, values in path.columns.items()},
        {name: values[:3] for name, values in path.states.items()},
        meta=path.meta,
    )
    proof = theorem.inequalities(part)
    assert set(proof.slack) == {"the barrier holds", "dual weights below the barrier"}
    assert proof.holds
    assert len(proof.frame) == 3


def test_mirrored_starts_have_mirrored_lines():
    data, lines = two_points(PHI), []
    for sign in (1, -1):
        net = in_plane([sign * 70, sign * -10], [1e-3, 1e-3])
        path = gradient_flow(net, data, stop={"tau": 3}, save=[1.0, 2.0, 3.0])
        lines.append(escape(net, PHI).inequalities(path).frame)
    np.testing.assert_allclose(lines[0][["lead", "dual"]], lines[1][["lead", "dual"]], rtol=1e-6)
    assert replace(data).n == 2
