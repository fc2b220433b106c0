"""The result of any dynamics: scalars and states at saved times, and the certificates."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lowrot import _validate
from lowrot._files import whole
from lowrot.network import Network

if TYPE_CHECKING:
    import pandas as pd

_FORMAT = "lowrot-path-1"
"""Names the layout of a saved file, so that a reader refuses what it does not know."""


class Outcome(StrEnum):
    """How a run ended, for programs; `Path.reason` says it in words."""

    REACHED = "reached"
    """a stop rule was met"""
    SAVED = "saved"
    """the last time to save was reached"""
    STATIONARY = "stationary"
    """the flow has stopped moving"""
    NOT_SEPARABLE = "not separable"
    """a dual point proves that no positive margin exists"""
    ROUNDING = "rounding"
    """doubles no longer resolve what drives the flow"""
    MAX_STEPS = "max_steps"
    """the steps allowed were taken"""
    STALLED = "stalled"
    """no step was accurate enough, however short"""
    INTERRUPTED = "interrupted"
    """Ctrl-C"""
    UNKNOWN = "unknown"
    """not recorded"""


class End(NamedTuple):
    """Why a run ended: as a value and in words."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class Certificate:
    """One quantity that is at most ``tolerance`` along a correct path.

    Args:
        value: the largest violation found (0 if none).
        tolerance: what rounding and the error control allow.
        meaning: the property that is checked, with its source.
    """

    value: float
    tolerance: float
    meaning: str

    @property
    def ok(self) -> bool:
        """Whether the value is within its tolerance (NaN is not)."""
        return self.value <= self.tolerance


@dataclass(eq=False)
class Path:
    """A followed trajectory; two paths are equal only if they are the same object.

    Args:
        columns: one array of shape (k,) a scalar, among them the clock: ``tau`` (loss-normalized)
            or ``t`` (regression).
        states: arrays of shape (k, ...): the state of the dynamics at the same k times.
        certificates: what was checked along the way, by name.
        stats: counts of work (steps, rejected steps, kernel evaluations, seconds).
        reason: in words, why the run ended.
        outcome: the same as a value.
        meta: everything needed to continue or to describe the run (plain JSON values).

    Raises:
        ValueError: no clock, arrays of other shapes or of different lengths, an unknown outcome.
        TypeError: fields of other kinds; columns and states that are no arrays, or masked ones.

    Source: chapter "Notation and the common frame" (F1 to F5).
    """

    columns: dict[str, np.ndarray]
    states: dict[str, np.ndarray] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    stats: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    outcome: Outcome = Outcome.UNKNOWN

    def __post_init__(self) -> None:
        for name, axes in (("columns", 1), ("states", None)):
            for key, values in _validate.kind(name, getattr(self, name), Mapping).items():
                _check_array(f"{name}[{key!r}]", values, axes)
        for key, value in _validate.kind("certificates", self.certificates, Mapping).items():
            _validate.kind(f"certificates[{key!r}]", value, Certificate)
        for name, expected in (("stats", Mapping), ("meta", Mapping), ("reason", str)):
            _validate.kind(name, getattr(self, name), expected)
        self.outcome = Outcome(_validate.choice("outcome", self.outcome, list(Outcome)))
        if not {"tau", "t"} & set(self.columns):
            raise ValueError(f"columns are {sorted(self.columns)}; expected tau or t among them")
        lengths = {name: len(a) for name, a in {**self.columns, **self.states}.items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"columns and states have lengths {lengths}; expected one length")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a column, shape (k,), or a state, shape (k, ...), by name.

        Raises:
            KeyError: neither has the name; the message lists those there are.
            TypeError: the name is no text.
        """
        _validate.kind("name", name, str)
        for store in (self.columns, self.states):
            if name in store:
                return store[name]
        known = ", ".join([*self.columns, *self.states])
        raise KeyError(f"no column or state {name!r}; this path has {known}")

    @property
    def ok(self) -> bool:
        """Whether every certificate holds."""
        return all(certificate.ok for certificate in self.certificates.values())

    @property
    def status(self) -> str:
        """Why the run ended and whether it is certified, in words."""
        bad = [
            f"{name} = {c.value:.3g} > {c.tolerance:.3g} ({c.meaning})"
            for name, c in self.certificates.items()
            if not c.ok
        ]
        verdict = "NOT certified: " + "; ".join(bad) if bad else "certified"
        return f"{self.reason}; {verdict}"

    def frame(self) -> pd.DataFrame:
        """Return the scalar columns as a data frame, one row a saved time."""
        import pandas as pd

        return pd.DataFrame(self.columns)

    def certificate_frame(self) -> pd.DataFrame:
        """Return the certificates as a data frame: value, tolerance, verdict, meaning."""
        import pandas as pd

        rows = {
            name: (c.value, c.tolerance, c.ok, c.meaning) for name, c in self.certificates.items()
        }
        names = ["value", "tolerance", "ok", "meaning"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=names)

    def at(self, tau: float) -> dict[str, float]:
        """Return the scalars at the last saved time not after ``tau`` (``t`` in regression).

        Raises:
            ValueError: the path starts later, or ``tau`` is NaN.
            TypeError: ``tau`` is not a number.
        """
        clock = "tau" if "tau" in self.columns else "t"
        tau = _validate.real("tau", tau)
        if math.isnan(tau):
            raise ValueError("tau is nan; expected a time")
        index = int(np.searchsorted(self[clock], tau, side="right")) - 1
        if index < 0:
            start = self[clock][0]
            raise ValueError(f"{clock} is {tau:g}; this path starts at {clock} = {start:g}")
        return {name: float(values[index]) for name, values in self.columns.items()}

    def network(self, index: int = -1) -> Network:
        """Return the network at a saved point of a flow with states ``a`` and ``V``.

        Args:
            index: of the saved point; the last one by default.

        Returns:
            The network, with the slope that the flow recorded; 0 (ReLU) on a path without one.

        Raises:
            KeyError: the path has no states ``a`` and ``V``.
            IndexError: no such saved point.
            TypeError: ``index`` is no integer.
        """
        k = len(self)
        index = _validate.integer("index", index, -_validate.LARGEST)
        if not -k <= index < k:
            raise IndexError(f"index is {index}; this path has {k} saved points")
        return Network(self["a"][index], self["V"][index], self.meta.get("slope", 0.0))

    def save(self, path: str | FilePath) -> None:
        """Write the path to a ``.npz`` file (no pickle); the file appears whole or not at all.

        Args:
            path: where, the name of a file; ``.npz`` is added to a name without it.

        Raises:
            TypeError, ValueError: a ``path`` that is a folder or no name, ``meta`` that is not
                plain JSON, or arrays of objects.
            OSError: the file cannot be written.
        """
        file = _npz_name(path)
        if str(path).endswith(("/", os.sep)) or FilePath(path).is_dir() or file.is_dir():
            raise ValueError(f"path is {str(path)!r}, a folder; expected the name of a file")
        header = {
            "format": _FORMAT,
            "certificates": {k: vars(c) for k, c in self.certificates.items()},
            "stats": self.stats,
            "reason": self.reason,
            "outcome": self.outcome,
            "meta": self.meta,
        }
        arrays = {"header": np.array(json.dumps(header))}
        arrays |= {f"column:{name}": values for name, values in self.columns.items()}
        arrays |= {f"state:{name}": values for name, values in self.states.items()}
        with whole(file) as partial, open(partial, "wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: str | FilePath) -> Path:
        """Read a path that `save` wrote.

        Args:
            path: where; ``.npz`` is added to a name without it.

        Raises:
            FileNotFoundError: no such file.
            TypeError: ``path`` is no name of a file.
            ValueError: not a path file, damaged, or one that would need unpickling.
        """
        file = _npz_name(path)
        if not file.is_file():
            raise FileNotFoundError(f"path is {str(path)!r}; expected an existing .npz file")
        try:
            with np.load(file, allow_pickle=False) as archive:
                header = json.loads(str(archive["header"]))
                if header["format"] != _FORMAT:
                    raise ValueError(f"format is {header['format']!r}; expected {_FORMAT!r}")
                columns = dict(_with_prefix(archive, "column:"))
                states = dict(_with_prefix(archive, "state:"))
            certificates = {k: Certificate(**c) for k, c in header["certificates"].items()}
            return cls(
                columns,
                states,
                certificates,
                header["stats"],
                header["reason"],
                header["meta"],
                Outcome(header.get("outcome", Outcome.UNKNOWN)),
            )
        except Exception as error:
            raise ValueError(f"path {str(path)!r} is not a saved lowrot path: {error}") from error


def _npz_name(path: str | FilePath) -> FilePath:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path is a {type(path).__name__}; expected the name of a file")
    file = FilePath(path)
    return file if file.suffix == ".npz" or not file.name else file.with_name(file.name + ".npz")


def _check_array(name: str, values: Any, axes: int | None) -> None:
    """Raise unless the values are an array of one axis or more, without a mask."""
    if not isinstance(values, np.ndarray) or isinstance(values, np.ma.MaskedArray):
        raise TypeError(f"{name} is a {type(values).__name__}; expected an array without a mask")
    if values.ndim < 1 or axes not in (None, values.ndim):
        wanted = "(k,)" if axes == 1 else "(k, ...)"
        raise ValueError(f"{name} has shape {values.shape}; expected {wanted}")


def _with_prefix(archive: Any, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    for name in archive.files:
        if name.startswith(prefix):
            yield name.removeprefix(prefix), archive[name]
