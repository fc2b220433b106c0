"""Error and correlation of predictors on the hypercube, exact where it can be visited whole."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from lowrot import _validate
from lowrot.data import Dataset
from lowrot.data._cube import LARGEST_WHOLE_CUBE, cube_parts
from lowrot.network import Network

Predictor = Callable[[Tensor], Tensor]
"""``predictor(X)`` returns f(x_i), shape (n,), for inputs of shape (n, d)."""

_CHUNK_POINTS = 2**15
"""Points of a data set that a predictor sees at once."""


def test_error(
    predictor: Predictor,
    population: Dataset | int,
    *,
    pair: tuple[int, int] = (0, 1),
    zero: float = 0.0,
) -> float:
    """Return the 0-1 error ``Pr[y f(x) <= 0]`` over a population: f = 0 is an error.

    Args:
        predictor: a `Network`, or any function of inputs (k, d) with values f, shape (k,).
        population: d <= 20: the whole cube {-1, +1}^d / sqrt(d) with the labels ``d x_i x_j``,
            exactly, in parts; or a data set.
        pair: i and j, on the cube.
        zero: values of ``y f`` up to this are errors too: for outputs that are 0 but for rounding.

    Returns:
        The part of the points that are errors.

    Raises:
        ValueError: d or the pair out of bounds, a negative zero, outputs of another shape or not
            finite.
        TypeError: no function, no `Dataset` or integer, or outputs of another dtype.

    Source: chapter "Sample complexity".
    """
    zero = _validate.number("zero", zero, 0.0)
    wrong = total = 0
    for X, y in _parts(population, pair):
        wrong += int((y.cpu() * _outputs(predictor, X) <= zero).sum())
        total += len(y)
    return wrong / total


test_error.__test__ = False  # type: ignore[attr-defined]  # its name is no order to pytest


def correlation(
    predictor: Predictor, population: Dataset | int, *, pair: tuple[int, int] | None = (0, 1)
) -> float | np.ndarray:
    """Return ``cor_S(f) = E[chi_S f]/sqrt(E f^2)``, ``chi_S = d x_i x_j``; 0 where f = 0.

    The squares over all pairs sum to at most 1, and for f in a space of dimension r fixed before
    the target to at most r, over all targets.

    Args:
        predictor: a `Network`, or any function of inputs (k, d) with values f, shape (k,).
        population: d <= 20: the whole cube, exactly; or a data set of points of the cube, over
            whose inputs E is the mean (its labels are not used).
        pair: S = {i, j}; None for all of them.

    Returns:
        The correlation, or for all pairs an array of shape (d(d-1)/2,), in the order of
        `itertools.combinations`.

    Raises:
        ValueError, TypeError: as `test_error`.

    Source: chapter "Sample complexity".
    """
    largest = 0.0  # outputs grow beyond what their squares may: they are kept in this unit
    products: Tensor | float = 0.0
    square, total = 0.0, 0
    for X, _ in _parts(population, (0, 1) if pair is None else pair):
        f = _outputs(predictor, X)
        size = max(largest, float(f.abs().max()))
        if size > largest:
            products, square = products * (largest / size), square * (largest / size) ** 2
            largest = size
        f = f / largest if largest > 0 else f
        X = X.cpu()
        products = products + X.T @ (f[:, None] * X) * X.shape[1]
        square += float(f.square().sum())
        total += len(f)
    matrix = torch.as_tensor(products).numpy()
    every = itertools.combinations(range(len(matrix)), 2)
    pairs = list(every) if pair is None else [_validate.coordinates("pair", pair, len(matrix))]
    scale = np.sqrt(square * total)
    found = np.array([matrix[i, j] / scale if scale > 0 else 0.0 for i, j in pairs])
    return found if pair is None else float(found[0])


def _parts(population: object, pair: tuple[int, int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield inputs and labels, part by part."""
    if isinstance(population, Dataset):
        _validate.coordinates("pair", pair, population.d)
        size = _CHUNK_POINTS
        yield from zip(population.X.split(size), population.y.split(size))
        return
    if isinstance(population, bool) or not isinstance(population, (int, np.integer)):
        raise TypeError(
            f"population is a {type(population).__name__}; expected a Dataset, or the dimension d "
            "of the whole cube"
        )
    d = _validate.integer("population", population, 2, LARGEST_WHOLE_CUBE)
    i, j = _validate.coordinates("pair", pair, d)
    for X in cube_parts(d):
        yield X, (X[:, i] * X[:, j]).sign()


def _outputs(predictor: Predictor, X: Tensor) -> Tensor:
    """Return f(x), checked, on the CPU."""
    if not callable(predictor):
        raise TypeError(f"predictor is {predictor!r}; expected a Network or a function of inputs")
    if isinstance(predictor, Network) and predictor.d != X.shape[1]:
        raise ValueError(f"predictor has d = {predictor.d}; expected {X.shape[1]}, as population")
    place = _device(predictor, X)
    f = _validate.real_array("the value of predictor", predictor(X.to(place)), (len(X),))
    return f.cpu()


def _device(predictor: Predictor, X: Tensor) -> torch.device:
    """Return where a predictor that keeps tensors has them: V of a network, X of a kernel's."""
    for name in ("V", "X"):
        kept = getattr(predictor, name, None)
        if isinstance(kept, Tensor):
            return kept.device
    return X.device
