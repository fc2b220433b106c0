"""Two-layer (leaky) ReLU networks: outputs, margins, gradients, kernels; and initializations."""

from lowrot.network._network import Network, activation, derivative
from lowrot.network._starts import balanced, in_plane, paired, small, standard

__all__ = [
    "Network",
    "activation",
    "balanced",
    "derivative",
    "in_plane",
    "paired",
    "small",
    "standard",
]
