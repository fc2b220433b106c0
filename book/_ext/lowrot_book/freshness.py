"""A notebook cache sees cells only: when the library, the lock or the data changed, empty it.

``make book`` takes care of itself (book/build.py); this is for a plain ``jupyter-book build .``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

from .keys import STAMP, library_key

log = logging.getLogger(__name__)


def cache_folder(app: Sphinx) -> Path:
    """Where myst-nb keeps executed notebooks."""
    return Path(app.config.nb_execution_cache_path or Path(app.outdir).parent / ".jupyter_cache")


def clear_stale(app: Sphinx) -> None:
    """Empty the cache unless it was filled with this very library."""
    cache, key = cache_folder(app), library_key(Path(app.srcdir))
    stamp = cache / STAMP
    app.lowrot_stale = not stamp.is_file() or stamp.read_text() != key  # type: ignore[attr-defined]
    if app.lowrot_stale:  # type: ignore[attr-defined]
        if cache.exists():
            log.info("lowrot changed: forgetting %s", cache)
            shutil.rmtree(cache)
        cache.mkdir(parents=True)
        stamp.write_text(key)


def outdated(app: Sphinx, env, added, changed, removed):
    """Every page is out of date when the library is."""
    return sorted(env.found_docs) if app.lowrot_stale else []


def setup(app: Sphinx) -> None:
    """Run before anything is read."""
    app.connect("builder-inited", clear_stale)
    app.connect("env-get-outdated", outdated)
