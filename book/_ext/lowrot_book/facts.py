"""What is kept of a text of Python."""

from __future__ import annotations

from dataclasses import dataclass

ROOTS = ("lowrot", "data", "figures")
"""The names that a chapter imports from this repository."""
# They find all modules by name, to exchange compiled functions for their source and to name the
# cache of compiled code, or the code that a stored task ran. None adds code to what runs.
HARMLESS = {"lowrot._jit", "lowrot.sweeps._code"}


@dataclass(frozen=True, order=True)
class Target:
    """What a name is bound to: a module, or ``name`` of it."""

    module: str
    name: str = ""


@dataclass(frozen=True)
class Facts:
    """What a text says.

    Args:
        imports: by name, everything in this repository that it may be bound to.
        uses: each use of such a name, with the attributes that follow it.
        stars: modules of which everything is imported.
        dynamic_imports: modules imported by ``import_module`` with a constant name.
        loads: modules whose code runs when this text is imported.
        later: modules imported inside functions.
        defined: names that the text itself binds.
        mentions: strings that may name a module or a file.
        dynamic: the first construct that cannot be followed, or nothing.
        acts: whether importing the text does more than bind names.
        own_file: whether it asks where it is stored.
        resources: whether it reads files that lie in packages.
        own_text: the text without re-exports.
    """

    imports: dict[str, tuple[Target, ...]]
    uses: tuple[tuple[str, ...], ...]
    stars: tuple[str, ...]
    dynamic_imports: tuple[str, ...]
    loads: tuple[str, ...]
    later: tuple[str, ...]
    defined: frozenset[str]
    mentions: tuple[str, ...]
    dynamic: str
    acts: bool
    own_file: bool
    resources: bool
    own_text: str
