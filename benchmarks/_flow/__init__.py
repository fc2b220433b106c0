"""The peers of `flow.py`: each follows the same flow its own way and tells when it passes a margin.

A peer is a function of its setting (a tolerance, or a step) that does what is done once (compiling)
and returns ``follow(targets, tick)``: a generator of one `Crossing` per target, which calls
``tick(min margin)`` after every step. ``tick`` may raise to end the run.
"""
