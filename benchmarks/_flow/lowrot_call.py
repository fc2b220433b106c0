"""The call of lowrot that `flow.py` is about."""

from __future__ import annotations

import math
import time

import numpy as np

import lowrot
from _flow.crossing import Crossing
from _flow.problem import parity


def lowrot_flow(rtol, setup=parity):
    if not hasattr(lowrot, "gradient_flow"):
        raise ImportError("lowrot.gradient_flow is not there yet")
    net, data, _ = setup()

    def follow(targets, tick):
        for target in targets:
            start = time.perf_counter()
            path = lowrot.gradient_flow(
                net, data, loss="exponential", stop={"min_margin": target}, rtol=rtol
            )
            seconds = time.perf_counter() - start
            margin, normalized = path["min_margin"][-2:], path["margin_normalized"][-2:]
            if margin[-1] < target * (1.0 - 1e-9):
                raise ArithmeticError(path.status)
            # ln ||W||^2 where the margin is the target, should the last step go beyond it
            norm = math.exp(np.interp(target, margin, np.log(margin / normalized)))
            work = int(path.stats["steps"]), int(path.stats["evaluations"])
            yield Crossing(target, target / norm, *work, seconds)
            tick(target)

    return follow
