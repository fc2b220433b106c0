"""The call of lowrot that `flow.py` is about."""

from __future__ import annotations

from dataclasses import dataclass

import lowrot
from _flow.clock import clock
from _flow.crossing import Crossing
from _flow.problem import parity


@dataclass
class Landing(Crossing):
    """A crossing that is known at the end of a step, at a margin of its own beyond the target."""

    margin: float = 0.0


def lowrot_flow(rtol, setup=parity):
    net, data, _ = setup()

    def follow(targets, tick):
        for target in targets:
            start = clock()
            path = lowrot.gradient_flow(
                net, data, loss="exponential", stop={"min_margin": target}, rtol=rtol
            )
            seconds = clock() - start
            margin, normalized = float(path["min_margin"][-1]), float(path["normalized"][-1])
            if margin < target * (1.0 - 1e-9) or not path.ok:
                raise ArithmeticError(path.status)
            steps, kernels = int(path.stats["steps"]), int(path.stats["kernels"])
            yield Landing(target, normalized, steps, kernels, seconds, margin)
            tick(margin)

    return follow
