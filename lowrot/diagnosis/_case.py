"""One data set and its starts, as the theorems are asked of them; what is used twice is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from lowrot._numbers import in_full, plain
from lowrot.data import Dataset, RegressionData, infer_groups
from lowrot.diagnosis._given import Given
from lowrot.diagnosis._verdict import Decision, Needed
from lowrot.diagnosis._width import MOST_WIDTH, largest_scale, least_width
from lowrot.diagnosis._words import exact
from lowrot.network import Network, balanced, paired, small, standard
from lowrot.optima import NotSeparable
from lowrot.theorems import (
    Hypothesis,
    NearInitFlow,
    NoRotation,
    Statement,
    near_init_flow,
    no_rotation,
)
from lowrot.theorems._symmetric_data import mirrors

WORK = 500_000_000
"""Multiplications that one evaluation of a theorem at another width may cost: part of a second."""

WEIGHTS = 500_000
"""Weights that a start sampled at another width may have."""

FEW_FEATURES = 100_000
"""Pairs (point, neuron) up to which linear programs are solved at width after width."""

CARRIED = "the theorem's own hypotheses, with the numbers of this start carried to that width"
"""What a predicted width rests on."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A decision with what it rests on; the catalogue adds label, name and conclusion."""

    decision: Decision
    reason: str = ""
    start: str = ""
    hypotheses: tuple[Hypothesis, ...] = ()
    needed: Needed | None = None
    statement: Statement | None = None


def off_topic(reason: str) -> Judged:
    """A theorem that speaks of other data."""
    return Judged(Decision.NOT_APPLICABLE, reason)


def judged(
    hypotheses: list[Hypothesis],
    start: str = "",
    needed: Needed | None = None,
    statement: Statement | None = None,
) -> Judged:
    """The decision that hypotheses make."""
    missed = [h for h in hypotheses if not h.holds]
    parts = (f"{h.statement} is {exact(h.value)}, asked {in_full(h.limit)}" for h in missed)
    reason = "; ".join(parts)
    decision = Decision.FAILS if missed else Decision.HOLDS
    return Judged(decision, reason, start, tuple(hypotheses), needed, statement)


def by_theorem(statement: Statement, start: str, needed: Needed | None = None) -> Judged:
    """The decision of a theorem itself."""
    return judged(statement.hypotheses, start, needed, statement)


@dataclass(frozen=True, eq=False)
class Case:
    """What is diagnosed.

    Args:
        given: the data.
        net: the network, or None for those of this book at width m.
        m: width.
        slope: of the activation.
        seed: of sampled starts.
    """

    given: Given
    net: Network | None
    m: int
    slope: float
    seed: int

    @property
    def data(self) -> Dataset:
        """Data with labels -1 and +1."""
        assert isinstance(self.given.data, Dataset)
        return self.given.data

    @property
    def real(self) -> RegressionData:
        """Data with real labels."""
        assert isinstance(self.given.data, RegressionData)
        return self.given.data

    @property
    def n(self) -> int:
        """Number of points."""
        return self.given.data.n

    @property
    def d(self) -> int:
        """Input dimension."""
        return self.given.data.d

    def standard_at(self, m: int) -> Network:
        """The standard start of a width."""
        return standard(m, self.d, self.seed, self.slope)

    def balanced_at(self, m: int) -> Network:
        """The balanced start of a width."""
        return balanced(m, self.d, self.seed, self.slope)

    def paired_at(self, m: int) -> Network:
        """A start of pairs, of an even width."""
        return paired(self.balanced_at(max(1, m // 2)))

    @cached_property
    def standard(self) -> Network:
        """The standard start, or the network that is diagnosed."""
        return self.net or self.standard_at(self.m)

    @cached_property
    def balanced(self) -> Network:
        """The balanced start, or the network that is diagnosed."""
        return self.net or self.balanced_at(self.m)

    def named(self, kind: str) -> str:
        """What a start is called."""
        return "your network" if self.net is not None else kind

    @cached_property
    def grouped(self) -> Dataset:
        """The data with their own groups, or the only ones they can have."""
        return self.data if self.data.groups is not None else infer_groups(self.data)

    @cached_property
    def mirror(self) -> np.ndarray | None:
        """Which point is the mirror of which, if all have one."""
        return mirrors(self.data)

    @cached_property
    def flow(self) -> NearInitFlow:
        """The theorem near initialization on the standard start; raises NotSeparable."""
        return near_init_flow(self.standard, self.data)

    @cached_property
    def coupled(self) -> NoRotation:
        """The theorem on frozen features of the balanced start; raises NotSeparable."""
        return no_rotation(self.balanced, self.data)

    @cached_property
    def mean(self) -> torch.Tensor:
        """The unit vector along the mean of ``y x``, or the first axis."""
        mean = (self.data.y[:, None] * self.data.X).mean(dim=0)
        length = float(mean.norm())
        return mean / length if length > 0 else torch.eye(self.d, dtype=mean.dtype)[0]

    # ------------------------------------------------------------ where it would hold

    def width(
        self,
        make: Callable[[int], Statement],
        cost: Callable[[int], float],
        *,
        predicted: Callable[[int], list[Hypothesis]] | None = None,
        kind: str = "standard",
        carried: str = CARRIED,
    ) -> Needed:
        """Return the width at which a theorem would hold.

        Starts are sampled and the theorem evaluated as far as that costs little; beyond, its own
        hypotheses are taken with the numbers of this start, if it says how they change.

        Args:
            make: the theorem at a width; it may raise NotSeparable.
            cost: multiplications of one evaluation.
            predicted: the hypotheses at a width, from the numbers of this start.
            kind: of the starts.
            carried: what a predicted width rests on.
        """
        guess = None
        if predicted is not None:
            guess = least_width(lambda m: all(h.holds for h in predicted(m)), self.m)
        most = self.affordable(cost)
        if most < 1 or (guess is not None and guess > most):
            return self._foretold(guess, most, carried)
        found = least_width(lambda m: meets(lambda: make(m)), guess or min(self.m, most), most)
        if found is None:
            if guess is not None:
                return self._foretold(guess, most, carried)
            note = f"none found: {kind} starts were tried up to width {plain(most)} only"
            return Needed("width", np.inf, "none", note)
        words = f"a {kind} start of this seed meets it at {found}, and not at one less"
        return Needed("width", float(found), "evaluated", words)

    def affordable(self, cost: Callable[[int], float]) -> int:
        """Return the largest width at which a theorem of this cost is evaluated."""
        beyond = least_width(lambda m: cost(m) > WORK or m * (self.d + 1) > WEIGHTS, self.m)
        return (beyond or MOST_WIDTH) - 1

    def _foretold(self, guess: int | None, most: int, carried: str) -> Needed:
        if guess is None:
            note = f"none found; evaluated up to width {plain(most)} only"
            return Needed("width", np.inf, "none", note)
        return Needed("width", float(guess), "predicted", carried)


def meets(make: Callable[[], Statement]) -> bool:
    """Whether a theorem can be built and holds."""
    try:
        return make().holds
    except NotSeparable:
        return False


def scale(net: Network, make: Callable[[Network], Statement]) -> Needed:
    """Return by what factor all weights of a start have to be multiplied for a theorem to hold."""
    found = largest_scale(lambda factor: make(small(net, factor)).holds)
    if found is None:
        return Needed("scale", 0.0, "none", "no scale of this start meets it")
    if np.isinf(found):
        return Needed("scale", np.inf, "evaluated", "every scale of this start meets it")
    words = "this start times this factor meets it, and not times one larger by a millionth"
    return Needed("scale", found, "evaluated", words)
