"""One neuron under given dual weights, followed through its kinks by compiled code."""

from lowrot.flow.neuron._contact import least_velocity
from lowrot.flow.neuron._held import Held
from lowrot.flow.neuron._linalg import ON, normals_slid_on
from lowrot.flow.neuron._propagate import Arrays, Drive, Neurons, Rates
from lowrot.flow.neuron._track import Tracker, Trajectory, track

__all__ = [
    "ON",
    "Arrays",
    "Drive",
    "Held",
    "Neurons",
    "Rates",
    "Tracker",
    "Trajectory",
    "least_velocity",
    "normals_slid_on",
    "track",
]
