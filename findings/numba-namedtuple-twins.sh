#!/bin/bash
# Guess: a function compiled by Numba that is given a named tuple and returns it returns the class it was
# given.
# Seen with numba 0.68.1: two NamedTuple classes with the same name and the same fields in two modules are
# one type to it. Whichever is seen first in the process is what comes back for both: isinstance fails,
# the second class's properties and methods are gone, and which class it is depends on the order of the
# calls. Without compiling each comes back as itself.
# Why it matters here: states of flows are named tuples, and "State" or "_Solution" is a name that two
# modules choose; a name of its own for each is what keeps them apart.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install numba==0.68.1 numpy==2.4.6
cd "$work"
for module in flow jump; do
  cat > "$module.py" << EOF
from typing import NamedTuple


class State(NamedTuple):
    weight: float
    time: float

    def whose(self):
        return "$module"
EOF
done
cat > check.py << 'EOF'
import sys

import flow
import jump
import numba


def same(state):
    return state


compiled = numba.njit(same)
order = [flow, jump] if sys.argv[1] == "flow" else [jump, flow]
out = [compiled(module.State(1.0, 2.0)) for module in order]
print("given", [m.__name__ for m in order], "returned", [s.whose() for s in out])
print("signatures:", len(compiled.signatures))
assert [s.whose() for s in out] == [sys.argv[1]] * 2
assert not isinstance(out[1], order[1].State) and len(compiled.signatures) == 1
assert all(isinstance(same(m.State(1.0, 2.0)), m.State) for m in order)
EOF
"$work/venv/bin/python" check.py flow
"$work/venv/bin/python" check.py jump
