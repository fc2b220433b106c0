"""What every flow shares: the loop, stop rules, the recorder, dual weights, implicit steps."""

from lowrot.integrate._dual_weights import Weights
from lowrot.integrate._implicit import Model
from lowrot.integrate._loop import Follower, Row
from lowrot.integrate._physical_time import later
from lowrot.integrate._recorder import Recorder
from lowrot.integrate._stop import excess, reached, stop_rules, targets

__all__ = [
    "Follower",
    "Model",
    "Recorder",
    "Row",
    "Weights",
    "excess",
    "later",
    "reached",
    "stop_rules",
    "targets",
]
