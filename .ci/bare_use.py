"""What `pip install lowrot` alone must be able to do; run by `.ci/bare`."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.metadata import version
from pathlib import Path

import lowrot
from lowrot import theorems

place = Path(lowrot.__file__).parent
assert place.is_relative_to(sys.prefix), f"imported from {place}, not from the wheel"
assert (place / "py.typed").is_file(), "py.typed is not in the wheel"
assert lowrot.__version__ == version("lowrot")
for name in lowrot.__all__:
    getattr(lowrot, name)
for extra in ("IPython", "jupyter_cache", "matplotlib", "seaborn"):
    assert extra not in sys.modules
    assert importlib.util.find_spec(extra) is None, f"{extra} came with the wheel alone"
assert not os.access(place, os.W_OK), f"{place} can be written to: nothing was tested"

data = lowrot.sparse_parity(2)
best = lowrot.global_margin(data)
assert best.gap <= 1e-6 * best.value, best

path = lowrot.gradient_flow(lowrot.balanced(12, 2, seed=1), data, stop={"tau": 4.0})
assert path.ok, path.status
assert path["tau"][-1] >= 4.0 * (1 - 1e-6)

net = lowrot.balanced(64, 2, seed=1)
followed = lowrot.coupled_flow(net, data, stop={"tau": 100.0})
check = theorems.no_rotation(net, data).check(followed)
assert check.holds, check

lowrot.claim("bare", "a claim needs no notebook", best.gap, "<=", 1e-6, "measured")
