"""Input checks shared by every module: an error names the argument, its value, what is expected."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

DTYPE = torch.float64
"""The one floating-point type of the library."""


def real_array(name: str, value: Any, shape: tuple[int | str, ...]) -> Tensor:
    """Return ``value`` as a finite float64 tensor; letters in ``shape`` are any size >= 1."""
    if isinstance(value, Tensor):
        if value.is_floating_point() and value.dtype != DTYPE:
            raise TypeError(
                f"{name} has dtype {value.dtype}; expected torch.float64 "
                f"(pass {name}.double() if its rounding is acceptable)"
            )
        if value.is_complex():
            raise TypeError(f"{name} has dtype {value.dtype}; expected real numbers")
        tensor = value.detach().to(DTYPE)
    else:
        array = np.asarray(value)
        if array.dtype.kind not in "iufb" or array.dtype in (np.float32, np.float16):
            raise TypeError(f"{name} has dtype {array.dtype}; expected float64 (or integers)")
        tensor = torch.as_tensor(array.astype(np.float64))
    if tensor.ndim != len(shape):
        raise ValueError(
            f"{name} has shape {tuple(tensor.shape)}; expected {len(shape)} axes {_letters(shape)}"
        )
    for axis, want in enumerate(shape):
        got = tensor.shape[axis]
        if isinstance(want, int) and got != want:
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}; expected {want} along axis {axis}"
            )
        if got == 0:
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}; expected at least one entry along axis "
                f"{axis} of {_letters(shape)}"
            )
    if not bool(torch.isfinite(tensor).all()):
        index = tuple(torch.nonzero(~torch.isfinite(tensor))[0].tolist())
        raise ValueError(f"{name}{list(index)} is {tensor[index].item()}; expected finite numbers")
    return tensor


def signs(name: str, value: Any, size: int | str) -> Tensor:
    """Return ``value`` as a vector of -1.0 and +1.0."""
    tensor = real_array(name, value, (size,))
    wrong = torch.nonzero(tensor.abs() != 1)
    if len(wrong):
        i = int(wrong[0])
        raise ValueError(f"{name}[{i}] is {tensor[i].item():g}; expected -1 or +1")
    return tensor


def same_device(**tensors: Tensor) -> None:
    """Raise if the tensors do not live on one device."""
    devices = {name: str(tensor.device) for name, tensor in tensors.items()}
    if len(set(devices.values())) > 1:
        listed = ", ".join(f"{name} on {device}" for name, device in devices.items())
        raise ValueError(f"arguments on different devices: {listed}; move them with .to(device)")


def integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return ``value`` as an int in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is {value!r}; expected an integer")
    if value < low or (high is not None and value > high):
        limits = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ValueError(f"{name} is {value}; expected an integer {limits}")
    return int(value)


def number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """Return ``value`` as a finite float in [low, high]."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; expected a number") from None
    if not math.isfinite(result) or not low <= result <= high:
        raise ValueError(f"{name} is {value!r}; expected a finite number in [{low:g}, {high:g}]")
    return result


def kind(name: str, value: Any, expected: type) -> Any:
    """Return ``value`` if it is of the type expected."""
    if not isinstance(value, expected):
        raise TypeError(f"{name} is a {type(value).__name__}; expected a {expected.__name__}")
    return value


def choice(name: str, value: Any, options: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``options``."""
    if value not in options:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, options))}")
    return value


def _letters(shape: tuple[int | str, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
