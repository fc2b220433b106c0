"""The steps of .ci/metadata that are easier in Python: compare MADE OURS, context CACHE."""

from __future__ import annotations

import io
import json
import sys
from importlib.resources import files
from pathlib import Path

SAME = ("name", "version", "license", "datePublished", "codeRepository", "title", "creators")
"""What another tool makes of CITATION.cff and our files say too, in the same words."""


def compare(made: Path, ours: Path) -> None:
    """Complain where another tool reads CITATION.cff differently."""
    theirs, here = json.loads(made.read_text("utf8")), json.loads(ours.read_text("utf8"))
    both = [name for name in SAME if name in theirs and name in here]
    if len(both) < 2:
        raise SystemExit(f"{ours}: nothing to compare: {sorted(theirs)}")
    for name in both:
        if not same(theirs[name], here[name]):
            raise SystemExit(
                f"{ours}: {name} is {here[name]!r}, but CITATION.cff: {theirs[name]!r}"
            )


def same(one: object, other: object) -> bool:
    """Whether two values are equal; names of licenses and addresses in any spelling."""
    if isinstance(one, dict):
        one = one.get("id", one)
    if isinstance(other, dict):
        other = other.get("id", other)
    if isinstance(one, str) and isinstance(other, str):
        return one.rstrip("/").lower() == other.rstrip("/").lower()
    return one == other


def context(cache: Path) -> None:
    """Put the context that rocrate brings along where the validator looks before it fetches."""
    import requests
    import urllib3
    from requests_cache import CachedSession
    from rocrate.rocrate import ROCrate

    text = (files("rocrate") / "data" / "ro-crate.jsonld").read_bytes()

    class Brought(requests.adapters.HTTPAdapter):
        """Answers everything with the context."""

        def send(self, request, **options):
            raw = urllib3.HTTPResponse(
                io.BytesIO(text),
                {"Content-Type": "application/ld+json"},
                200,
                preload_content=False,
                request_url=request.url,
            )
            return self.build_response(request, raw)

    address = ROCrate().metadata.generate()["@context"]
    session = CachedSession(cache_name=str(cache), backend="sqlite")
    session.mount("https://", Brought())
    session.get(address if isinstance(address, str) else address[0])


if __name__ == "__main__":
    step, *rest = sys.argv[1:]
    {"compare": compare, "context": context}[step](*map(Path, rest))
