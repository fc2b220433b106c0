#!/bin/bash
# Guess: Path.to_polygons(closed_only=False), without a width and a height, returns the vertices of the
# path; its documentation speaks of simplifying only when both are given.
# Seen with Matplotlib 3.11.2: an open contour line of 128 vertices or more is simplified as if one unit
# of the data were one pixel, up to a ninth of it. On a level line within [-1, 1] the finer grid is the
# worse one: 106 vertices come back as they are (error 2e-4), 310 as 6 points, .13 from the curve whose
# vertices are right to 3e-5. In data a hundred times larger the same line keeps 48 points. Closed lines
# are never touched, so a test on a circle sees nothing; path.should_simplify = False gives all vertices.
# Why it matters here: a drawn decision boundary of a small network was a polygon with few corners, and
# exact again when its axes were enlarged.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install matplotlib==3.11.2 contourpy==1.3.3 numpy==2.4.6
cat > "$work/check.py" << 'EOF2'
import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np


def height(x):
    return 0.5 * np.sin(2 * x)


def level_line(points, unit):
    x = np.linspace(-unit, unit, points)
    X, Y = np.meshgrid(x, x)
    return plt.contour(X, Y, Y / unit - height(X / unit), levels=[0.0]).get_paths()[0]


def error(corners, unit):
    corners = np.asarray(corners) / unit
    x = np.linspace(-0.9, 0.9, 999)
    return np.abs(np.interp(x, *corners.T) - height(x)).max()


def told(points, unit=1.0, exact=False):
    line = level_line(points, unit)
    if exact:
        line.should_simplify = False
    (corners,) = line.to_polygons(closed_only=False)
    found = len(line.vertices), len(corners), error(line.vertices, unit), error(corners, unit)
    print("grid {}, unit {:g}: {} vertices, {} returned, errors {:.0e} and {:.0e}".format(
        points, unit, *found))
    return found


few = told(70)
assert few[0] == few[1] < 128 and few[2] == few[3] < 3e-4
many = told(200)
assert many[0] > 300 and many[1] < 10 and many[2] < 5e-5 and many[3] > 0.1
large = told(200, 100.0)
assert 30 < large[1] < 100 and large[3] < 1e-2
whole = told(200, exact=True)
assert whole[0] == whole[1] and whole[2] == whole[3] < 5e-5
EOF2
"$work/venv/bin/python" "$work/check.py"
echo "contour-to-polygons: as described"
