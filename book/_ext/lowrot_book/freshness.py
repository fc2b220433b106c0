"""A notebook cache sees cells only: forget those notebooks whose figures, data or library changed.

``make book`` takes care of itself (book/build.py); this is for a plain ``jupyter-book build .``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from pathlib import Path

from jupyter_cache import get_cache
from sphinx.application import Sphinx
from sphinx.util import logging

from .keys import STAMP, code_keys

log = logging.getLogger(__name__)


def cache_folder(app: Sphinx) -> Path:
    """Where myst-nb keeps executed notebooks."""
    return Path(app.config.nb_execution_cache_path or Path(app.outdir).parent / ".jupyter_cache")


def stamped(cache: Path) -> dict[str, str]:
    """The keys that the notebooks in the cache were executed under, if they are known."""
    try:
        return dict(json.loads((cache / STAMP).read_text("utf8")))
    except (OSError, ValueError, TypeError):
        return {}


def forget(cache: Path, root: Path, kept: Collection[str]) -> None:
    """Remove from the cache the notebooks of all chapters but some."""
    store = get_cache(str(cache))
    for record in store.list_cache_records():
        source = Path(record.uri).resolve()
        inside = source.is_relative_to(root.resolve())
        docname = source.relative_to(root.resolve()).with_suffix("").as_posix() if inside else ""
        if docname not in kept:
            store.remove_cache(record.pk)


def clear_stale(app: Sphinx) -> None:
    """Forget what was executed with something else, and stamp the cache for what is to come."""
    cache, root = cache_folder(app), Path(app.srcdir)
    before, now = stamped(cache), code_keys(root)
    kept = {name for name, key in now.items() if before.get(name) == key}
    app.lowrot_stale = kept != set(now)  # type: ignore[attr-defined]
    if not before and cache.exists():
        log.info("not known what %s was executed with: forgetting it", cache)
        shutil.rmtree(cache)
    if before and before != now:
        log.info("forgetting all executed notebooks but %s", ", ".join(sorted(kept)) or "none")
        forget(cache, root, kept)
    cache.mkdir(parents=True, exist_ok=True)
    (cache / STAMP).write_text(json.dumps(now), "utf8")


def outdated(app: Sphinx, env, added, changed, removed):
    """Every page is out of date when a chapter is: they share a report."""
    return sorted(env.found_docs) if app.lowrot_stale else []


def setup(app: Sphinx) -> None:
    """Run before anything is read."""
    app.connect("builder-inited", clear_stale)
    app.connect("env-get-outdated", outdated)
