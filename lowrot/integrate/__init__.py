"""What flows share: the loop, stop rules, step sizes, landing, the recorder, implicit steps."""

from lowrot.integrate._dual_weights import DualWeights
from lowrot.integrate._implicit import Model
from lowrot.integrate._landing import LANDED, land
from lowrot.integrate._loop import Row, Run
from lowrot.integrate._physical_time import ln_time_after
from lowrot.integrate._recorder import Recorder
from lowrot.integrate._resume import same_arguments
from lowrot.integrate._step_size import StepSize
from lowrot.integrate._stop import overshoot, reached, stop_rules, targets
from lowrot.integrate._time_under import Line, time_under

__all__ = [
    "LANDED",
    "DualWeights",
    "Line",
    "Model",
    "Recorder",
    "Row",
    "Run",
    "StepSize",
    "land",
    "ln_time_after",
    "overshoot",
    "reached",
    "same_arguments",
    "stop_rules",
    "targets",
    "time_under",
]
