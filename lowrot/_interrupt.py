"""An interrupt (Ctrl-C) of ``python -m lowrot``: one line and exit status 130, wherever it comes.

The package is imported before ``__main__`` is, and that takes seconds. So this is the first module
of it, and needs none of the others.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import FrameType

STATUS = 130
"""Of a command that was interrupted, as shells have it."""
LINE = "lowrot: interrupted"


def _end(number: int, frame: FrameType | None) -> None:
    """End at once: libraries that are being imported may catch an exception."""
    os.write(2, f"{LINE}\n".encode())
    os._exit(STATUS)


@contextmanager
def raised() -> Iterator[None]:
    """Raise KeyboardInterrupt in here, where what is finished can be kept and files be removed."""
    if signal.getsignal(signal.SIGINT) is not _end:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _end)


def _commanded() -> bool:
    """Whether this is ``python -m lowrot``, and no other program that imports the package.

    While Python looks for the module of a command line, argv has "-m" in its place.
    """
    words = sys.orig_argv[1:]
    return sys.argv[:1] == ["-m"] and ("-mlowrot" in words or ("-m", "lowrot") in pairwise(words))


# An interrupt that is ignored, as of jobs in the background, stays so.
if _commanded() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _end)
