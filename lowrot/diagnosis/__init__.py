"""Every theorem of the book, asked about the reader's own data."""

from lowrot.diagnosis._diagnose import diagnose
from lowrot.diagnosis._diagnosis import Diagnosis
from lowrot.diagnosis._verdict import Decision, Needed, Quantity, Ran, Verdict

__all__ = ["Decision", "Diagnosis", "Needed", "Quantity", "Ran", "Verdict", "diagnose"]
