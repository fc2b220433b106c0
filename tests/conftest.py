<<<<<<< HEAD
"""Tests run in parallel processes: one thread each."""

import os

import torch

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)
=======
"""One thread a worker: tests that run side by side would otherwise wait for each other's threads."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
>>>>>>> 5317fce68eec4b70a004deb1727ee574f2651d36
