"""What every flow shares: the loop, stop rules, the recorder, dual weights, implicit steps."""

from lowrot.integrate._dual_weights import DualWeights
from lowrot.integrate._implicit import Model
from lowrot.integrate._loop import Row, Run
from lowrot.integrate._physical_time import ln_time_after
from lowrot.integrate._recorder import Recorder
from lowrot.integrate._stop import overshoot, reached, stop_rules, targets

__all__ = [
    "DualWeights",
    "Model",
    "Recorder",
    "Row",
    "Run",
    "ln_time_after",
    "overshoot",
    "reached",
    "stop_rules",
    "targets",
]
