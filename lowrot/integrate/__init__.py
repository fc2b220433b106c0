"""What flows share: the loop, stop rules, step sizes, landing, the recorder, implicit steps."""

from lowrot.integrate._dual_weights import DualWeights
from lowrot.integrate._implicit import Model
from lowrot.integrate._implicit_moves import NewtonWeights, softplus
from lowrot.integrate._implicit_newton import solved
from lowrot.integrate._implicit_system import NewtonProblem, System, answer, substitute
from lowrot.integrate._landing import LANDED, land
from lowrot.integrate._loop import Row, Run
from lowrot.integrate._physical_time import START, Node, Time, time_of_step
from lowrot.integrate._recorder import Recorder
from lowrot.integrate._resume import same_arguments
from lowrot.integrate._step_size import StepSize
from lowrot.integrate._stop import overshoot, reached, stop_rules, targets
from lowrot.integrate._time_under import Line, time_under

__all__ = [
    "LANDED",
    "START",
    "DualWeights",
    "Line",
    "Model",
    "NewtonProblem",
    "NewtonWeights",
    "Node",
    "Recorder",
    "Row",
    "Run",
    "StepSize",
    "System",
    "Time",
    "answer",
    "land",
    "overshoot",
    "reached",
    "same_arguments",
    "softplus",
    "solved",
    "stop_rules",
    "substitute",
    "targets",
    "time_of_step",
    "time_under",
]
