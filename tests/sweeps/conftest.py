"""The functions of the sweeps, and a cluster, for tests and for the processes that they start."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def cluster():
    """A Dask client with two worker processes, shut down at the end."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as workers,
        distributed.Client(workers) as client,
    ):
        path = str(Path(__file__).parent)
        client.run(lambda: sys.path.insert(0, path))
        yield client
