"""The no-rotation flow: inner weights move in norm only, n-dimensional at any width."""

from lowrot.coupled._features import Features
from lowrot.coupled._flow import coupled_flow
from lowrot.coupled._tableaux import METHODS

__all__ = ["METHODS", "Features", "coupled_flow"]
