"""One-pass stochastic gradient descent on fresh samples, many runs side by side."""

from lowrot.data import Stream, parity_stream
from lowrot.sgd._sgd import UPDATES, Runs, one_pass_sgd

__all__ = ["UPDATES", "Runs", "Stream", "one_pass_sgd", "parity_stream"]
