"""Theorems that may start at any saved time of a path."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

from lowrot import _validate
from lowrot.network import Network
from lowrot.path import Path
from lowrot.theorems._theorem import Theorem


class RestartTheorem(Theorem):
    """A theorem on a flow whose hypotheses may be asked of every state of it."""

    _clock = "tau"
    """The column of the time that starts again."""

    @abstractmethod
    def _of(self, net: Network) -> Self:
        """The same theorem on another network."""

    def late(self, path: Path, index: int) -> tuple[Self, Path]:
        """The same theorem from a saved point on, and the path from there on, its clock at 0.

        Args:
            path: of the flow from this network, with its states ``a`` and ``V``.
            index: of the saved point, which is not the last.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem, or no such point.
        """
        self.require_path(path, "a", "V")
        net, rest = from_saved(path, index, self._clock)
        return self._of(net), rest

    def fires(self, path: Path) -> int | None:
        """The first saved point, before the last, from which on every hypothesis holds.

        Args:
            path: of the flow from this network, with its states ``a`` and ``V``.

        Returns:
            Its index, or None.

        Raises:
            TypeError, ValueError: a path that does not belong to the theorem.
        """
        self.require_path(path, "a", "V")
        held = (index for index in range(len(path) - 1) if self._of(path.network(index)).holds)
        return next(held, None)


def from_saved(path: Path, index: int, clock: str = "tau") -> tuple[Network, Path]:
    """The network at a saved point of a flow, and the path from there on with a clock of its own.

    Args:
        path: of a flow with its states.
        index: of the saved point, which is not the last.
        clock: its column, "tau" or "t".

    Raises:
        TypeError: no path, or an index that is no integer.
        ValueError: a path without clock or states, or no saved point with a later one.
    """
    _validate.kind("path", path, Path)
    missing = [name for name in (clock, "a", "V") if name not in {**path.columns, **path.states}]
    if missing:
        raise ValueError(f"path has no {', '.join(missing)}; expected a path of a flow")
    index = _validate.integer("index", index, 0)
    if index >= len(path) - 1:
        raise ValueError(
            f"index is {index}; expected at most {len(path) - 2}, so that path has a later point"
        )
    late = Path(
        {name: values[index:] for name, values in path.columns.items() if name != "rho"},
        {name: values[index:] for name, values in path.states.items()},
        certificates=path.certificates,
        meta=path.meta,
    )
    late.columns[clock] = late.columns[clock] - path[clock][index]
    return path.network(index), late
