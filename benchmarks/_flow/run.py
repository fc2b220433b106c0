"""One run of one peer, as a process of its own sees it."""

from __future__ import annotations

import math

from _flow.clock import clock
from _flow.peers import PEERS, REFERENCE
from _flow.problem import parity

FAILURES = (ArithmeticError, AssertionError, ValueError)
"""What solvers raise when they cannot go on."""


class Enough(Exception):
    """The run need not go on."""


def measure(send, name, setting, targets, limit, setup=parity):
    """Send what happens: setup, start, crossing, margin, and at the end done, limit or failed."""
    make = (REFERENCE if name == "reference" else PEERS[name])[0]
    start = clock()
    try:
        follow = make(setting, setup=setup)
    except ImportError as error:
        send("absent", str(error))
        return
    send("setup", clock() - start)
    warm_up(follow)
    send("start")
    start = clock()
    margin, told = -math.inf, 0.0

    def tick(now):
        nonlocal margin, told
        if not math.isfinite(now):
            raise ArithmeticError("a margin is not finite")
        margin, seconds = float(now), clock() - start
        if seconds > limit:
            raise Enough
        if seconds > told + 1.0:
            told = seconds
            send("margin", margin)

    try:
        for crossing in follow(targets, tick):
            seconds = clock() - start
            send("crossing", {"seconds": seconds} | crossing.row())
    except Enough:
        send("margin", margin)
        send("limit", "")
    except FAILURES as error:
        send("margin", margin)
        send("failed", f"{error}".strip().split("\n")[0][:90])
    else:
        send("done", "")


def warm_up(follow):
    """Pay what a first step costs; a run that fails here fails again where it counts."""

    def first_step(_):
        raise Enough

    try:
        list(follow([0.0], first_step))
    except (Enough, *FAILURES):
        pass
