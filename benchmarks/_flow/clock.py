"""The clock that every run is measured with."""

import os
import time


def clock():
    """Seconds: of the processor where a run has one thread, else of the wall.

    So other work on the machine does not count in runs of one thread.
    """
    alone = os.environ.get("OMP_NUM_THREADS") == "1"
    return time.process_time() if alone else time.perf_counter()
