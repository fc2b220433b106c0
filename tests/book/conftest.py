"""What chapters import is beside them: ``figures`` and ``data``; what tests share is here."""

import sys
from pathlib import Path

BOOK = Path(__file__).parents[2] / "book"
sys.path[:0] = [str(Path(__file__).parent), str(BOOK), str(BOOK / "_ext")]
