"""Validated data sets, their generators, groups, streams and files."""

from lowrot.data._collapsed import collapsed_groups
from lowrot.data._dataset import Dataset
from lowrot.data._files import load
from lowrot.data._generators import sparse_parity, two_points
from lowrot.data._groups import infer_groups, largest_separated
from lowrot.data._regression import RegressionData, gaussian_regression
from lowrot.data._streams import Stream, parity_stream
from lowrot.data._symmetric import fragile_pairs, symmetric_pairs

__all__ = [
    "Dataset",
    "RegressionData",
    "Stream",
    "collapsed_groups",
    "fragile_pairs",
    "gaussian_regression",
    "infer_groups",
    "largest_separated",
    "load",
    "parity_stream",
    "sparse_parity",
    "symmetric_pairs",
    "two_points",
]
