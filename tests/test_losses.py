"""Losses: the log domain against exact arithmetic, F2 and F3."""

import math
from decimal import Decimal, getcontext

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lowrot.losses import LOSSES, dual_weights, entropy_constant, log_loss, soft_margin


def vector(values):
    return torch.tensor(values, dtype=torch.float64)


def exactly(p, loss):
    """Return ln L, P, q and ln Lam in 400 digits."""
    getcontext().prec = 400
    t = [(-Decimal(x)).exp() for x in p]
    if loss == "exponential":
        L, slopes = sum(t), t
        P = -L.ln()
    else:
        L, slopes = sum((1 + x).ln() for x in t), [x / (1 + x) for x in t]
        P = -(L.exp() - 1).ln()
    Lam = sum(slopes)
    return float(L.ln()), float(P), [float(x / Lam) for x in slopes], float(Lam.ln())


CASES = [
    [0.0],
    [1e-9],
    [-0.5, 0.7],
    [math.log(2.0), 0.3],
    [-30.0, -2.0],
    [-300.0, 5.0],
    [36.0, 38.0, 37.5],
    [19.9, 20.1, 20.0],
    [350.0, 351.0],
]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("p", CASES)
def test_log_domain_quantities_are_exact_to_rounding(p, loss):
    log_L, P, q, log_Lam = exactly(p, loss)
    scale = 4e-16 * (1 + max(abs(x) for x in p))
    assert float(log_loss(vector(p), loss)) == pytest.approx(log_L, abs=scale)
    assert float(soft_margin(vector(p), loss)) == pytest.approx(P, abs=scale)
    weights, log_sum = dual_weights(vector(p), loss)
    assert weights.tolist() == pytest.approx(q, rel=100 * scale, abs=1e-300)
    assert float(log_sum) == pytest.approx(log_Lam, abs=scale)


@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_overflows_or_underflows(loss):
    p = vector([[1e300, 1e300], [-1e3, 1e3], [1e5, 1e5]])
    P = soft_margin(p, loss)
    assert P.tolist() == pytest.approx([1e300, -1e3, 1e5 - math.log(2)], rel=1e-15)
    q, log_Lam = dual_weights(p, loss)
    assert q.tolist() == [[0.5, 0.5], [1.0, 0.0], [0.5, 0.5]]
    assert bool(torch.isfinite(log_Lam).all())
    assert bool(torch.isfinite(log_loss(p, loss)).all())


@pytest.mark.parametrize("loss", LOSSES)
@settings(max_examples=200, deadline=None)
@given(p=st.lists(st.floats(-700, 1e6), min_size=1, max_size=8))
def test_f2_and_f3_hold_at_any_margins(loss, p):
    margins = vector(p)
    n = len(p)
    P = float(soft_margin(margins, loss))
    qp = float(dual_weights(margins, loss)[0] @ margins)
    rounding = 1e-14 * (1 + max(abs(x) for x in p))
    assert min(p) + rounding >= P
    assert qp >= P - rounding
    assert qp <= max(P, 0.0) + entropy_constant(n, loss) + rounding


def test_the_logistic_inequalities_behind_f2():
    p = vector([-3.0, 0.2, 1.0, 4.0])
    L, log_Lam = log_loss(p, "logistic").exp(), dual_weights(p, "logistic")[1]
    assert float(log_Lam.exp()) >= 1 - math.exp(-float(L))


@pytest.mark.parametrize("p", [700.0, 708.5, 720.0, 740.0, 744.4, 744.9, 745.2, 800.0])
def test_the_logistic_loss_where_doubles_are_subnormal(p):
    margins = vector([p, p + 1e-3])
    log_L, P, _, _ = exactly(margins.tolist(), "logistic")
    assert float(log_loss(margins, "logistic")) == pytest.approx(log_L, rel=1e-15)
    assert float(soft_margin(margins, "logistic")) == pytest.approx(P, rel=1e-15)


def test_the_entropy_constant_is_ln_n_or_ln_2n():
    assert entropy_constant(1) == 0.0
    assert entropy_constant(16) == entropy_constant(16, "exponential") == pytest.approx(2.7725887)
    assert entropy_constant(16, "logistic") == pytest.approx(3.4657359)


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_the_entropy_constant_leaves_little_room(n):
    # Exponential: equal margins of at least ln n reach it. Logistic: where P = 0, all but ln 2.
    for loss, lost in (("exponential", 0.0), ("logistic", math.log(2))):
        level = math.log(n) if loss == "exponential" else -math.log(math.expm1(math.log(2) / n))
        p = torch.full((n,), level, dtype=torch.float64)
        excess = float(dual_weights(p, loss)[0] @ p) - max(float(soft_margin(p, loss)), 0.0)
        assert entropy_constant(n, loss) - lost - 1e-12 <= excess
        assert excess <= entropy_constant(n, loss) + 1e-12


def test_the_entropy_constant_refuses_no_points_and_other_losses():
    for n in (0, -3):
        with pytest.raises(ValueError, match="n is"):
            entropy_constant(n)
    with pytest.raises(TypeError, match="expected an integer"):
        entropy_constant(2.5)
    with pytest.raises(ValueError, match="loss is 'hinge'"):
        entropy_constant(4, "hinge")


def test_one_point_has_its_margin_as_soft_margin():
    for value in (-40.0, -1e-3, 0.0, 3.0, 50.0):
        for loss in LOSSES:
            assert float(soft_margin(vector([value]), loss)) == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize(
    "p", [1.0, torch.ones(3), torch.zeros(0).double(), torch.tensor(1.0).double()]
)
def test_margins_must_be_float64_vectors(p):
    for function in (soft_margin, log_loss, dual_weights):
        with pytest.raises(ValueError, match="expected a float64 tensor"):
            function(p)
    with pytest.raises(ValueError, match="loss is 'hinge'"):
        soft_margin(vector([1.0]), "hinge")
