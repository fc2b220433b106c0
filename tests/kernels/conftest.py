"""What tests of kernels share."""

import pytest
import torch


@pytest.fixture(scope="session")
def points():
    """Gaussian rows of different lengths."""

    def make(n, d, seed=0):
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(n, d, generator=generator, dtype=torch.float64)

    return make
