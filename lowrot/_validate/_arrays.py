"""Checks of arrays, of lists, and of where tensors live."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Set, Sized
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.masked import is_masked_tensor
from torch.nn.parameter import is_lazy

from lowrot._validate._scalars import integer, number, real

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
        if value.is_floating_point() and value.dtype != DTYPE:
            raise TypeError(
                f"{name} has dtype {value.dtype}; expected torch.float64 "
                f"(pass {name}.double() if its rounding is acceptable)"
            )
        return value.detach().to(DTYPE, copy=copy).resolve_neg()
    array = _plain_array(name, value)
    if array.dtype.kind not in "iub" and (array.dtype.kind, array.dtype.itemsize) != ("f", 8):
        raise TypeError(f"{name} has dtype {array.dtype}; expected float64 (or integers)")
    return torch.as_tensor(array.astype(np.float64))


def _plain_array(name: str, value: Any) -> Array:
    """Return what is no tensor as an array of any kind of entries; nothing is dropped from it."""
    if _masked(value):
        raise TypeError(f"{name} is a masked array; expected every entry (drop those masked)")
    if hasattr(value, "toarray"):
        raise TypeError(f"{name} is a sparse {type(value).__name__}; expected {name}.toarray()")
    try:
        array: Array = np.asarray(value)
    except Exception as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"{name} cannot be read as an array: {error}") from error
    return array


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
    if tensor.is_meta:
        raise ValueError(f"{name} is on the device meta; expected a tensor with values")


def numbers(name: str, value: Any) -> Array:
    """Return real numbers of any shape as a float64 array; infinities and NaN stay.

    Args:
        name: of the argument, for the message.
        value: a number, an array, a tensor or nested lists; other precisions are converted.

    Raises:
        TypeError: entries that are no real numbers; masked, sparse, nested or quantized values.
        ValueError: lists of different lengths, or a tensor without values.
    """
    if isinstance(value, Tensor):
        _check_plain(name, value)
        return value.detach().to(DTYPE).cpu().resolve_neg().numpy()
    array = _plain_array(name, value)
    if array.dtype.kind == "O":
        found = [real(name, entry) for entry in array.ravel().tolist()]
        return np.array(found, dtype=np.float64).reshape(array.shape)
    if array.dtype.kind not in "iubf":
        raise TypeError(f"{name} is {reprlib.repr(value)}; expected real numbers")
    return array.astype(np.float64)


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


def device(name: str, value: Any) -> torch.device:
    """Return a device that holds values on this machine.

    Raises:
        TypeError, ValueError: the value names no device, one that is not here, or "meta".
    """
    try:
        found = torch.device(value)
        torch.empty(0, device=found)
    except Exception as error:
        kind = ValueError if isinstance(value, (str, torch.device)) else TypeError
        raise kind(f"{name} is {value!r}; expected a device of this machine, as 'cpu'") from error
    if found.type == "meta":
        raise ValueError(f"{name} is {value!r}; expected a device that holds values, as 'cpu'")
    return found


def rates(name: str, value: Any) -> tuple[float, float]:
    """Return ``value`` as the rates eta_a and eta_V of the two layers.

    Raises:
        TypeError: not numbers.
        ValueError: not two of them, negative ones, or both 0.
    """
    if numbers(name, value).shape != (2,):
        raise ValueError(f"{name} are {value!r}; expected two numbers, (eta_a, eta_V)")
    outer, inner = (number(f"{name}[{k}]", value[k], 0.0) for k in (0, 1))
    if not outer and not inner:
        raise ValueError(f"{name} are (0, 0); expected at least one positive rate")
    return outer, inner


def listed(name: str, value: Any) -> list[Any]:
    """Return the entries of a list, an array, a column or anything else that has an order.

    Raises:
        TypeError: nothing of the kind (text, a set, a mapping, a generator), or a masked array.
    """
    ordered = isinstance(value, Iterable) and isinstance(value, Sized)
    if not ordered or _masked(value) or isinstance(value, (str, bytes, Mapping, Set)):
        raise TypeError(f"{name} is of type {type(value).__name__}; expected a list")
    if getattr(value, "ndim", 1) == 0:
        raise TypeError(f"{name} is {value!r}; expected a list")
    return list(value)


def coordinates(name: str, value: Any, d: int) -> tuple[int, int]:
    """Return ``value`` as two different coordinates below d.

    Raises:
        TypeError: no list, or entries that are no integers.
        ValueError: not two, equal ones, or out of bounds.
    """
    entries = listed(name, value)
    if len(entries) != 2:
        raise ValueError(f"{name} has {len(entries)} entries; expected two coordinates below {d}")
    i, j = (integer(f"{name}[{k}]", entry, 0, d - 1) for k, entry in enumerate(entries))
    if i == j:
        raise ValueError(f"{name} is ({i}, {j}); expected two different coordinates below {d}")
    return i, j


def _letters(shape: tuple[int | str, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
