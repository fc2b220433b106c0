"""Input checks shared by every module: an error names the argument, its value, what is expected."""

from lowrot._validate._arrays import (
    DTYPE,
    Array,
    coordinates,
    device,
    listed,
    numbers,
    rates,
    real_array,
    same_device,
    signs,
)
from lowrot._validate._scalars import (
    LARGEST,
    Layers,
    choice,
    file,
    flag,
    integer,
    kind,
    layers,
    number,
    real,
)

__all__ = [
    "DTYPE",
    "LARGEST",
    "Array",
    "Layers",
    "choice",
    "coordinates",
    "device",
    "file",
    "flag",
    "integer",
    "kind",
    "layers",
    "listed",
    "number",
    "numbers",
    "rates",
    "real",
    "real_array",
    "same_device",
    "signs",
]
