"""Four data sets of the chapter on your own data: one of this book, three of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from lowrot import Dataset, sparse_parity


def standardized(X: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and mean square 1; constant ones are left out."""
    X = X[:, X.std(axis=0) > 0]
    return (X - X.mean(axis=0)) / X.std(axis=0)


def two_classes(load: Callable[..., Any], first: int, second: int, name: str) -> Dataset:
    """Two classes of one of scikit-learn's own data sets, the longest input of norm 1."""
    X, label = load(return_X_y=True)
    kept = (label == first) | (label == second)
    X = standardized(X[kept])
    y = np.where(label[kept] == first, 1.0, -1.0)
    longest = np.linalg.norm(X, axis=1).max()
    return Dataset(torch.as_tensor(X / longest), torch.as_tensor(y), None, name)


def four() -> dict[str, Dataset]:
    """Return the data sets, by name."""
    return {
        "parity": sparse_parity(4),
        "wine": two_classes(load_wine, 0, 1, "wine"),
        "digits": two_classes(load_digits, 3, 8, "digits"),
        "breast cancer": two_classes(load_breast_cancer, 1, 0, "breast cancer"),
    }
