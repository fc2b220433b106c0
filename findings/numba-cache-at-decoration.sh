#!/bin/bash
# Guess: numba.njit(cache=True) touches the disk when a function is first compiled.
# Seen with numba 0.68.1: the decoration itself makes the cache folder (and a temporary file in it, to
# see whether it can write), so importing a module with cached functions writes to disk although
# nothing is compiled; where no place can be written the import raises RuntimeError "cannot cache
# function .. no locator available".
# Why it matters here: a library must be importable in a read-only tree, by a user without a home, and
# leave nothing behind. lowrot gives Numba a locator that makes the folder when there is code to keep.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install numba==0.68.1 numpy==2.4.6
mkdir "$work/code"
cat > "$work/code/small.py" << 'EOF'
import numba


@numba.njit(cache=True)
def double(x):
    return 2 * x
EOF
cd "$work/code"
export PYTHONDONTWRITEBYTECODE=1 NUMBA_CACHE_DIR="$work/cache"
"$work/venv/bin/python" -c 'import small'
echo "after the import, nothing compiled:"
find "$work/cache" -mindepth 1 | sed "s|$work/||"
[ "$(find "$work/cache" -mindepth 1 -type d | wc -l)" -eq 1 ]
[ "$(find "$work/cache" -type f | wc -l)" -eq 0 ]
"$work/venv/bin/python" -c 'import small; small.double(3)'
echo "after a call:"
find "$work/cache" -type f -printf '%f\n' | sed 's/-.*\./ .. ./' | sort
[ "$(find "$work/cache" -type f | wc -l)" -eq 2 ]
unset NUMBA_CACHE_DIR
rm -rf "$work/cache"
export HOME="$work/file" # a file: no folder can be made below it
touch "$work/file"
mkdir "$work/mute" && cp small.py "$work/mute" && cd "$work/mute"
touch __pycache__ # a file where the folder would be
if "$work/venv/bin/python" -c 'import small' 2> "$work/error"; then
  echo "imported without a place to write"
  exit 1
fi
tail -1 "$work/error" | cut -c1-80
grep -q "RuntimeError: cannot cache function 'double': no locator available" "$work/error"
