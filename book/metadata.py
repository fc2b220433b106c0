"""Write what says again what CITATION.cff, pyproject.toml and _config.yml say.

The addresses in CITATION.cff, pyproject.toml and README.md, then codemeta.json and .zenodo.json.
Run it after a release or a fork has changed any of these; a test compares.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from lowrot_book import citation

ROOT = Path(__file__).parent.parent


def main(root: Path = ROOT) -> None:
    """Write them, and say which have changed."""
    for texts in (citation.rewritten, citation.made):
        for name, text in texts(root).items():
            path = root / name
            if not path.is_file() or path.read_text("utf8") != text:
                path.write_text(text, "utf8")
                print("written:", name)


if __name__ == "__main__":
    main()
