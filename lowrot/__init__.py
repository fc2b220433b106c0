"""lowrot: theorems on feature selection in two-layer networks, executed, measured and certified.

A room imports only from those above it:

- `losses`: exponential and logistic loss, soft margin and dual weights, in the log domain
- `data`: validated data sets, their generators, groups, streams and files
- `network`: two-layer (leaky) ReLU networks, initializations, gradients and kernels
- `metrics`: normalized and smoothed margins, KKT residual, rotation and collapse
- `optima`: exact maximal margins, each with a primal point, a dual point and the gap
- `path`: the result of any dynamics, with its certificates
- `integrate`: what every flow shares: loop, stop rules, step sizes, implicit steps
- `flow`: gradient flow, certified, over kinks and far into training
- `coupled`: the no-rotation flow, n-dimensional at any width
- `sgd`: one-pass SGD on fresh samples, many runs side by side
- `theorems`: hypotheses evaluated, bounds as functions of tau, conclusions checked
- `claims`: the ledger of what the book asserts
- `sweeps`: grids of runs over processes or a cluster, kept task by task
- `testing`: a plain reference flow, and doors into the fast one
- `plots`: figures of your own runs (``import lowrot.plots``; the extra ``figures``)
"""

from lowrot.claims import claim
from lowrot.coupled import Features, coupled_flow
from lowrot.data import (
    Dataset,
    Stream,
    collapsed_groups,
    infer_groups,
    largest_separated,
    load,
    parity_stream,
    sparse_parity,
    two_points,
)
from lowrot.flow import gradient_flow, regression_flow
from lowrot.metrics import (
    collapse_metrics,
    feature_change,
    kkt_residual,
    normalized_margin,
    rotation,
    smoothed_margin,
)
from lowrot.network import Network, balanced, in_plane, small, standard
from lowrot.optima import (
    NotSeparable,
    Optimum,
    frozen_margin,
    global_margin,
    ntk_margin,
    svm_margin,
)
from lowrot.path import Path
from lowrot.sgd import Runs, one_pass_sgd
from lowrot.sweeps import sweep
from lowrot.theorems import escape, near_init_flow, near_init_sgd, neural_collapse, no_rotation

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "Features",
    "Network",
    "NotSeparable",
    "Optimum",
    "Path",
    "Runs",
    "Stream",
    "balanced",
    "claim",
    "collapse_metrics",
    "collapsed_groups",
    "coupled_flow",
    "escape",
    "feature_change",
    "frozen_margin",
    "global_margin",
    "gradient_flow",
    "in_plane",
    "infer_groups",
    "kkt_residual",
    "largest_separated",
    "load",
    "near_init_flow",
    "near_init_sgd",
    "neural_collapse",
    "no_rotation",
    "normalized_margin",
    "ntk_margin",
    "one_pass_sgd",
    "parity_stream",
    "regression_flow",
    "rotation",
    "small",
    "smoothed_margin",
    "sparse_parity",
    "standard",
    "svm_margin",
    "sweep",
    "two_points",
]
