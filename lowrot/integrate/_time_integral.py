"""The time that a part of a step takes, by quadrature of ``1/Lam``, compiled.

See `lowrot.integrate._physical_time`, which refines it.
"""

from __future__ import annotations

import math

import numpy as np

from lowrot._jit import allocating, jit, part

_X, _W = np.polynomial.legendre.leggauss(12)
_X, _W = 0.5 * (_X + 1.0), 0.5 * _W
_PANEL = 0.5
"""Growth of P on the last panel, about; each panel before it is twice as long."""
_PANELS = 60
"""Most panels; what is before them is below rounding."""
_SLOW = math.exp(-8.0)
"""Part of the largest rate from which rates are told apart."""
_BEYOND = 1.0
"""How far P and the excess may lie beyond their values at the nodes."""
_TINY = 1e-300
"""Below this numbers lose digits."""
AT, P, RATE, EXCESS, SLOPE = range(5)
"""Columns of nodes."""
Curve = tuple[np.ndarray, np.ndarray]
"""A polynomial in Newton's form: ``c_0 + (x - x_0) (c_1 + (x - x_1) (c_2 + ..))``, by its nodes
and its coefficients."""


@jit
def time_between(nodes: np.ndarray, logistic: bool) -> tuple[float, float]:
    """The logarithm of the time between the first and the last node, and its relative error.

    Once roughly and once as well as the nodes allow. Roughly, ln P' is a polynomial through the
    nodes, and P follows from it and its last value. That may miss the values before: at best P is
    corrected by a polynomial. The difference of the two integrals is the estimate of the error.

    Args:
        nodes: two or three, one a row, with the fields of `Node`.
        logistic: whether the loss is the logistic one, else the exponential.
    """
    n = len(nodes)
    last, h = nodes[n - 1], nodes[n - 1, AT] - nodes[0, AT]
    u, values, slopes, top = np.empty(n), np.empty(n), np.zeros(n), 1e-300
    for k in range(n):
        u[k] = (last[AT] - nodes[k, AT]) / h
        top = max(top, h * nodes[k, RATE])
    for k in range(n):
        values[k] = math.log(max(h * nodes[k, RATE], _SLOW * top))
    ln_rate = _through(u, values, slopes, n)
    for k in range(n):
        values[k] = nodes[k, P] - last[P] + _fall(u[k], ln_rate)
    missed = _through(u, values, slopes, 0)
    least, most = 0.0, 0.0
    for k in range(n):
        values[k], slopes[k] = nodes[k, EXCESS] - last[EXCESS], -h * nodes[k, SLOPE]
        least, most = min(least, values[k]), max(most, values[k])
    excess = _through(u, values, slopes, 1), _through(u, values, slopes, 0)
    bounds = max(last[P] - nodes[0, P], 0.0), least, most
    roughly, well = _integrals(top, last[P], (ln_rate, missed, *excess), bounds, logistic)
    shift = last[EXCESS] + (_bend(last[P]) if logistic else 0.0)
    return last[P] + shift + math.log(h * well), abs(roughly / well - 1.0)


@part
def _integrals(
    top: float,
    P_last: float,
    curves: tuple[Curve, Curve, Curve, Curve],
    bounds: tuple[float, float, float],
    logistic: bool,
) -> tuple[float, float]:
    """Both integrals of ``1/Lam`` over [0, 1], counted back from the end, relative to its end."""
    ln_rate, missed, rough_excess, best_excess = curves
    most, least_excess, most_excess = bounds
    first = min(1.0, _PANEL / top)
    count = min(math.ceil(-math.log(first) / math.log(2.0)), _PANELS)
    left, right, roughly, well = 0.0, first, 0.0, 0.0
    end = _bend(P_last) if logistic else 0.0
    for _ in range(count + 1):
        for g in range(len(_X)):
            s, weight = left + (right - left) * _X[g], (right - left) * _W[g]
            rough = _fall(s, ln_rate)
            best = min(max(rough - _value(missed, s), -_BEYOND), most + _BEYOND)
            one, two = -rough, -best
            if logistic:
                low, high = least_excess - _BEYOND, most_excess + _BEYOND
                one += _bend(P_last + one) - end + min(max(_value(rough_excess, s), low), high)
                two += _bend(P_last + two) - end + min(max(_value(best_excess, s), low), high)
            roughly += weight * math.exp(one)
            well += weight * math.exp(two)
        left, right = right, min(2.0 * right, 1.0)
    return roughly, well


@allocating
def _through(u: np.ndarray, values: np.ndarray, slopes: np.ndarray, skip: int) -> Curve:
    """The polynomial with values and slopes at nodes, by divided differences from the last one on.

    The first slopes, as many as skip says, do not count.
    """
    n = len(u)
    at, count = np.empty(2 * n, dtype=np.int64), 0
    for k in range(n - 1, -1, -1):
        for _ in range(1 if k < skip else 2):
            at[count], count = k, count + 1
    x, c = np.empty(count), np.empty(count)
    for i in range(count):
        x[i], c[i] = u[at[i]], values[at[i]]
    for order in range(1, count):
        for i in range(count - 1, order - 1, -1):
            if at[i] == at[i - order]:
                c[i] = slopes[at[i]]
            else:
                c[i] = (c[i] - c[i - 1]) / (x[i] - x[i - order])
    return x, c


@part
def _value(curve: Curve, x: float) -> float:
    """The value of a polynomial."""
    nodes, c = curve
    total = c[len(c) - 1]
    for i in range(len(c) - 2, -1, -1):
        total = c[i] + (x - nodes[i]) * total
    return total


@part
def _fall(u: float, ln_rate: Curve) -> float:
    """The integral of the rate from 0 to u."""
    total = 0.0
    for g in range(len(_X)):
        total += _W[g] * math.exp(_value(ln_rate, u * _X[g]))
    return u * total


@part
def _bend(P: float) -> float:
    """``-ln l(P) - P`` for the logistic loss, which is 0 for the exponential one."""
    t = math.exp(-abs(P))
    if P <= 0.0:
        return -math.log(math.log1p(t) - P) - P
    return -math.log(math.log1p(t) / t) if t > _TINY else 0.0
