"""What chapters import is beside them: ``figures`` and ``data``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "book"))
