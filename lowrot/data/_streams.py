"""Sources of labelled samples for one-pass training."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from lowrot import _validate
from lowrot.data._dataset import Dataset
from lowrot.data._generators import sparse_parity

Draw = Callable[[int, int, Generator], tuple[Tensor, Tensor]]
"""``draw(start, count, generator)`` returns inputs (count, d) and labels (count,)."""

LARGEST_CUBE = 16
"""Largest d at which the whole hypercube is kept as the population: 2^16 points are 8 MB."""


@dataclass(frozen=True)
class Stream:
    """A source of labelled samples.

    Args:
        draw: ``draw(start, count, generator)`` returns ``count`` inputs, shape (count, d), and
            their labels, shape (count,); ``start`` samples were drawn before. For independent
            samples use the generator and ignore ``start``.
        population: the points that samples are drawn from uniformly, if they are finitely many:
            test errors over it are exact.
        name: what to call it in reports.

    Raises:
        TypeError: a field of another kind.

    Source: chapter "Near initialization: one-pass SGD".
    """

    draw: Draw
    population: Dataset | None = None
    name: str = "stream"

    def __post_init__(self) -> None:
        if not _takes_three(self.draw):
            raise TypeError(
                f"draw of the stream is {self.draw!r}; expected a function "
                "draw(start, count, generator) that returns inputs and labels"
            )
        if self.population is not None:
            _validate.kind("population", self.population, Dataset)
        _validate.kind("name", self.name, str)

    @classmethod
    def resampled(cls, data: Dataset) -> Stream:
        """Return independent uniform draws, with replacement, from the points of a data set.

        Args:
            data: the points, which are the stream's population.

        Raises:
            TypeError: anything but a `Dataset`.
        """
        _validate.kind("data", data, Dataset)

        def draw(start: int, count: int, generator: Generator) -> tuple[Tensor, Tensor]:
            at = torch.randint(data.n, (count,), generator=generator).to(data.X.device)
            return data.X[at], data.y[at]

        return cls(draw, data, f"draws from {data.name or f'{data.n} points'}")

    @classmethod
    def ordered(cls, data: Dataset) -> Stream:
        """Return the points of a data set once, in their order (not independent draws).

        Args:
            data: the points; to draw more than there are is a ValueError.

        Raises:
            TypeError: anything but a `Dataset`.
        """
        _validate.kind("data", data, Dataset)

        def draw(start: int, count: int, generator: Generator) -> tuple[Tensor, Tensor]:
            if start + count > data.n:
                raise ValueError(
                    f"samples asks for {start + count} points in order; the data set has {data.n}"
                )
            at = slice(start, start + count)
            return data.X[at].clone(), data.y[at].clone()

        return cls(draw, None, f"{data.name or 'points'} in order")


def _takes_three(draw: object) -> bool:
    """Whether a call with three arguments is possible, as far as a function says."""
    if not callable(draw):
        return False
    try:
        inspect.signature(draw).bind(0, 1, None)
    except TypeError:
        return False
    except ValueError:  # compiled functions may say nothing
        return True
    return True


def parity_stream(d: int, k: int = 2) -> Stream:
    """Return independent samples of k-sparse parity: x uniform on {-1, +1}^d / sqrt(d).

    Args:
        d: input dimension; up to 16 the whole hypercube is kept for exact test errors.
        k: the label is the product of the signs of the first k coordinates.

    Raises:
        TypeError, ValueError: numbers that are no integers, or outside their limits.

    Source: chapter "Near initialization: one-pass SGD".
    """
    d = _validate.integer("d", d, 1)
    k = _validate.integer("k", k, 1, d)

    def draw(start: int, count: int, generator: Generator) -> tuple[Tensor, Tensor]:
        cube = 1.0 - 2.0 * torch.randint(2, (count, d), generator=generator).to(_validate.DTYPE)
        return cube / math.sqrt(d), cube[:, :k].prod(dim=1)

    population = sparse_parity(d, k) if d <= LARGEST_CUBE else None
    return Stream(draw, population, f"{k}-sparse parity, d = {d}")


def as_stream(source: object) -> Stream:
    """Return a stream, a data set (resampled) or a function ``draw`` as a `Stream`.

    Raises:
        TypeError: anything else.
    """
    if isinstance(source, Stream):
        return source
    if isinstance(source, Dataset):
        return Stream.resampled(source)
    if callable(source):
        return Stream(source)
    raise TypeError(
        f"stream is {source!r}; expected a Stream, a Dataset to draw from, or a function "
        "draw(start, count, generator) that returns inputs and labels"
    )
