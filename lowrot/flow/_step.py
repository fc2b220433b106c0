"""A network under its flow, and a step that was tried."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from lowrot.flow.neuron import Neurons


@dataclass(frozen=True, eq=False)
class FlowState:
    """A network under its flow.

    Attributes:
        neurons: the network.
        p: outputs times signs, shape (n,).
        weights: the dual weights.
        mismatch: by how much they miss those of the outputs, relatively.
        kernel: one from nearby, with which the next step begins.
        growth: the rate at which that grows as a whole, by its trace.
    """

    neurons: Neurons
    p: np.ndarray
    weights: Any
    mismatch: float
    kernel: np.ndarray | None = None
    growth: float = 0.0

    @cached_property
    def norm_squared(self) -> float:
        """``||W||^2``."""
        return self.neurons.norm_squared


class Work(NamedTuple):
    """What a step cost."""

    iterations: int
    kernels: int


@dataclass(frozen=True, eq=False)
class Step:
    """A step tried.

    Attributes:
        stages: the states at both Radau points; None if the step could not be solved.
        error: local error in units of the tolerance.
        speeds: the objective's rate of change at both, ``||W'||^2`` in the metric of the rates.
        energy: its integral over the step, kinks resolved.
        slopes: derivatives of the outputs times signs at both stages; None where the kernels are
            older ones, and for a part of a step.
        iterations, kernels: what it cost.
    """

    stages: tuple[FlowState, FlowState] | None
    error: float
    speeds: tuple[float, float]
    energy: float
    slopes: tuple[np.ndarray, np.ndarray] | None
    iterations: int
    kernels: int

    @classmethod
    def unsolved(cls, work: Work) -> Step:
        """A step whose stage equations were not solved."""
        return cls(None, math.inf, (0.0, 0.0), 0.0, None, *work)
