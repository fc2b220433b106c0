"""lowrot: theorems on feature selection in two-layer networks, executed, measured and certified.

A room imports only from those above it:

- `curves`: sample sizes at which errors are met, and their exponents, with intervals over seeds
- `losses`: exponential and logistic loss, soft margin and dual weights, in the log domain
- `data`: validated data sets, their generators, groups, streams and files
- `network`: two-layer (leaky) ReLU networks, initializations, gradients and kernels
- `metrics`: normalized and smoothed margins, KKT residual, rotation, collapse, error on the cube
- `optima`: exact maximal margins, each with a primal point, a dual point and the gap
- `kernels`: kernels of infinite width and of parity, and predictors from them
- `path`: the result of any dynamics, with its certificates
- `integrate`: what every flow shares: loop, stop rules, step sizes, implicit steps
- `flow`: gradient flow, certified, over kinks and far into training
- `coupled`: the no-rotation flow, n-dimensional at any width
- `sgd`: one-pass SGD on fresh samples, many runs side by side
- `theorems`: hypotheses evaluated, bounds as functions of tau, conclusions checked
- `diagnosis`: every theorem, asked about data of your own
- `claims`: the ledger of what the book asserts
- `sweeps`: grids of runs over processes or a cluster, kept task by task
- `testing`: a plain reference flow, and doors into the fast one
- `plots`: figures of your own runs (``import lowrot.plots``; the extra ``figures``)
"""

from lowrot import _interrupt as _interrupt  # first: it answers Ctrl-C while the rest is imported
from lowrot.claims import claim
from lowrot.coupled import Features, coupled_flow
from lowrot.curves import power_law, samples_needed
from lowrot.data import (
    Dataset,
    Stream,
    collapsed_groups,
    fragile_pairs,
    gaussian_regression,
    infer_groups,
    largest_separated,
    load,
    parity_stream,
    sparse_parity,
    symmetric_pairs,
    two_points,
)
from lowrot.diagnosis import Diagnosis, diagnose
from lowrot.flow import gradient_flow, regression_flow
from lowrot.kernels import (
    interpolant,
    kernel_svm,
    ntk,
    parity_kernel,
    spline_interpolant,
    spline_kernel,
)
from lowrot.metrics import (
    collapse_metrics,
    correlation,
    feature_change,
    kkt_residual,
    normalized_margin,
    rotation,
    smoothed_margin,
    test_error,
)
from lowrot.network import Network, balanced, in_plane, paired, small, standard
from lowrot.optima import (
    NotSeparable,
    Optimum,
    frozen_margin,
    global_margin,
    least_interpolant,
    ntk_margin,
    parity_recovery,
    svm_margin,
)
from lowrot.path import Path
from lowrot.sgd import Runs, one_pass_sgd
from lowrot.sweeps import sweep
from lowrot.theorems import (
    escape,
    invariant_features,
    locking,
    near_init_flow,
    near_init_sgd,
    neural_collapse,
    no_rotation,
    outer_risk,
    recovery,
    regression_certificate,
    regression_outer,
    simplicity_bias,
    single_neuron,
    symmetric,
)

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "Diagnosis",
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
    "correlation",
    "coupled_flow",
    "diagnose",
    "escape",
    "feature_change",
    "fragile_pairs",
    "frozen_margin",
    "gaussian_regression",
    "global_margin",
    "gradient_flow",
    "in_plane",
    "infer_groups",
    "interpolant",
    "invariant_features",
    "kernel_svm",
    "kkt_residual",
    "largest_separated",
    "least_interpolant",
    "load",
    "locking",
    "near_init_flow",
    "near_init_sgd",
    "neural_collapse",
    "no_rotation",
    "normalized_margin",
    "ntk",
    "ntk_margin",
    "one_pass_sgd",
    "outer_risk",
    "paired",
    "parity_kernel",
    "parity_recovery",
    "parity_stream",
    "power_law",
    "recovery",
    "regression_certificate",
    "regression_flow",
    "regression_outer",
    "rotation",
    "samples_needed",
    "simplicity_bias",
    "single_neuron",
    "small",
    "smoothed_margin",
    "sparse_parity",
    "spline_interpolant",
    "spline_kernel",
    "standard",
    "svm_margin",
    "sweep",
    "symmetric",
    "symmetric_pairs",
    "test_error",
    "two_points",
]
