"""One neuron under given dual weights, followed through its kinks by compiled code."""

from lowrot.flow.neuron._contact import least_velocity
from lowrot.flow.neuron._linalg import ON, normals_slid_on
from lowrot.flow.neuron._propagate import Drive, Neurons, Rates
from lowrot.flow.neuron._track import Trajectory, fastest_growth, track

__all__ = [
    "ON",
    "Drive",
    "Neurons",
    "Rates",
    "Trajectory",
    "fastest_growth",
    "least_velocity",
    "normals_slid_on",
    "track",
]
