"""Input checks shared by every module: an error names the argument, its value, what is expected."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.masked import is_masked_tensor
from torch.nn.parameter import is_lazy

DTYPE = torch.float64
"""The one floating-point type of the library."""

Array = np.ndarray
"""What solvers outside torch take and give."""


def real_array(
    name: str, value: Any, shape: tuple[int | str, ...], *, copy: bool = False
) -> Tensor:
    """Return ``value`` as a finite float64 tensor without gradient.

    Args:
        name: of the argument, for the message.
        value: a tensor, an array or nested lists; integers and booleans are converted.
        shape: one entry an axis: a number is the size asked for, a letter any size >= 1.
        copy: whether the result must be the caller's own; a float64 tensor is shared otherwise.

    Raises:
        TypeError: a dtype other than float64, integer or boolean; masked, sparse, nested or
            quantized values.
        ValueError: another shape, an empty axis, entries that are not finite, or a tensor
            without values (on the device "meta").
    """
    tensor = _float64(name, value, copy)
    _check_shape(name, tensor, shape)
    if not bool(torch.isfinite(tensor).all()):
        index = tuple(torch.nonzero(~torch.isfinite(tensor))[0].tolist())
        raise ValueError(f"{name}{list(index)} is {tensor[index].item()}; expected finite numbers")
    return tensor


def _float64(name: str, value: Any, copy: bool) -> Tensor:
    if isinstance(value, Tensor):
        _check_plain(name, value)
        return value.detach().to(DTYPE, copy=copy).resolve_neg()
    if _masked(value):
        raise TypeError(f"{name} is a masked array; expected every entry (drop those masked)")
    if hasattr(value, "toarray"):
        raise TypeError(f"{name} is a sparse {type(value).__name__}; expected {name}.toarray()")
    try:
        array = np.asarray(value)
    except Exception as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"{name} cannot be read as an array: {error}") from error
    if array.dtype.kind not in "iub" and (array.dtype.kind, array.dtype.itemsize) != ("f", 8):
        raise TypeError(f"{name} has dtype {array.dtype}; expected float64 (or integers)")
    return torch.as_tensor(array.astype(np.float64))


def _check_plain(name: str, tensor: Tensor) -> None:
    """Check that a tensor is a dense array of numbers that float64 holds."""
    if is_masked_tensor(tensor):
        raise TypeError(f"{name} is a masked tensor; expected every entry (drop those masked)")
    if tensor.is_nested:
        raise TypeError(f"{name} is a nested tensor; expected rows of one length")
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} has layout {tensor.layout}; expected {name}.to_dense()")
    if is_lazy(tensor):
        raise ValueError(f"{name} is not initialized; expected a tensor with values")
    if tensor.is_quantized:
        raise TypeError(f"{name} has dtype {tensor.dtype}; expected {name}.dequantize().double()")
    if tensor.is_complex():
        raise TypeError(f"{name} has dtype {tensor.dtype}; expected real numbers")
    if tensor.is_floating_point() and tensor.dtype != DTYPE:
        raise TypeError(
            f"{name} has dtype {tensor.dtype}; expected torch.float64 "
            f"(pass {name}.double() if its rounding is acceptable)"
        )
    if tensor.is_meta:
        raise ValueError(f"{name} is on the device meta; expected a tensor with values")


def _masked(value: Any) -> bool:
    """Whether an array, or one in nested lists, has a mask, which conversion would drop."""
    if isinstance(value, (list, tuple)):
        return any(map(_masked, value))
    return isinstance(value, np.ma.MaskedArray)


def _check_shape(name: str, tensor: Tensor, shape: tuple[int | str, ...]) -> None:
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


def signs(name: str, value: Any, size: int | str, *, copy: bool = False) -> Tensor:
    """Return ``value`` as a vector of -1.0 and +1.0, of the size given; ``copy`` as `real_array`.

    Raises:
        TypeError, ValueError: as `real_array`, or entries other than -1 and +1.
    """
    tensor = real_array(name, value, (size,), copy=copy)
    wrong = torch.nonzero(tensor.abs() != 1)
    if len(wrong):
        i = int(wrong[0])
        raise ValueError(f"{name}[{i}] is {tensor[i].item():g}; expected -1 or +1")
    return tensor


def same_device(**tensors: Tensor) -> None:
    """Check that all tensors, given by name, live on one device.

    Raises:
        ValueError: they do not; the message names each tensor's device.
    """
    devices = {name: str(tensor.device) for name, tensor in tensors.items()}
    if len(set(devices.values())) > 1:
        listed = ", ".join(f"{name} on {device}" for name, device in devices.items())
        raise ValueError(f"arguments on different devices: {listed}; move them with .to(device)")


def integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return ``value`` as an int in [low, high]; no upper limit when ``high`` is None.

    Raises:
        TypeError: not an integer (booleans are not).
        ValueError: outside the limits.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is {value!r}; expected an integer")
    if value < low or (high is not None and value > high):
        limits = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ValueError(f"{name} is {value}; expected an integer {limits}")
    return int(value)


def number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """Return ``value`` as a finite float in [low, high].

    Raises:
        TypeError: not a number.
        ValueError: nan, infinite or outside the limits.
    """
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; expected a number") from None
    if not math.isfinite(result) or not low <= result <= high:
        raise ValueError(f"{name} is {value!r}; expected a finite number in [{low:g}, {high:g}]")
    return result


def rates(name: str, value: Any) -> tuple[float, float]:
    """Return ``value`` as the rates eta_a and eta_V of the two layers.

    Raises:
        TypeError: not numbers.
        ValueError: not two of them, negative ones, or both 0.
    """
    if np.shape(value) != (2,):
        raise ValueError(f"{name} are {value!r}; expected two numbers, (eta_a, eta_V)")
    outer, inner = (number(f"{name}[{k}]", value[k], 0.0) for k in (0, 1))
    if not outer and not inner:
        raise ValueError(f"{name} are (0, 0); expected at least one positive rate")
    return outer, inner


def kind(name: str, value: Any, expected: type) -> Any:
    """Return ``value`` if it is of the type expected.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, expected):
        raise TypeError(f"{name} is a {type(value).__name__}; expected a {expected.__name__}")
    return value


def choice(name: str, value: Any, options: Collection[str]) -> str:
    """Return ``value`` if it is one of ``options``.

    Raises:
        ValueError: it is not; the message lists them.
    """
    if value not in options:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, options))}")
    return value


class Layers(NamedTuple):
    """Which weights of a network take part: the outer ones a, the inner ones V."""

    outer: bool
    inner: bool


def layers(value: Any) -> Layers:
    """Return the layers that "outer", "inner" or "both" selects.

    Raises:
        ValueError: another word.
    """
    choice("layers", value, ("outer", "inner", "both"))
    return Layers(outer=value != "inner", inner=value != "outer")


def _letters(shape: tuple[int | str, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
