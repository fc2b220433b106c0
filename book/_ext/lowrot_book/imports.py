"""Which files the code of a chapter reaches, found from its text and theirs without running any.

``import lowrot`` runs the whole library, but what a chapter uses of it is less: each use, such as
``lowrot.gradient_flow``, is followed through the re-exports to the module that defines the name,
and from there through the uses of that module. Where a use cannot be followed, everything counts:
a key that changes too often costs a minute, one that changes too rarely shows stale figures.

Not seen: files opened under a computed path, and what an assignment at the top of a module that
is imported and not used does beyond binding its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .facts import HARMLESS, ROOTS, Facts, Target
from .files import files, sha256
from .source import read, read_cells

MENTION = re.compile(r"lowrot(\.\w+)+\.?")
CODE = re.compile(r"\b(import|from)\s+lowrot\b")


@dataclass(frozen=True)
class Place:
    """Where a module is: its text, unless it is a folder without one, and its folder, if any."""

    text: Path | None
    folder: Path | None = None


class Library:
    """What can be imported from one project; files are read once.

    Args:
        root: of the project.
    """

    def __init__(self, root: Path):
        self.root = root
        self.found: dict[Path, dict[str, Place | None]] = {}
        self.said: dict[str, Facts] = {}
        self.hashes: dict[Path, str] = {}

    def top(self, name: str, beside: Path) -> Path:
        """The folder of ``lowrot``, or of ``data`` or ``figures`` beside a chapter."""
        return (self.root if name == "lowrot" else beside) / name

    def place(self, module: str, beside: Path) -> Place | None:
        """Where a module is, or nothing."""
        found = self.found.setdefault(beside, {})
        if module not in found:
            found[module] = self.look(module, beside)
        return found[module]

    def look(self, module: str, beside: Path) -> Place | None:
        """Search as Python does: packages before modules before bare folders."""
        first, *parts = module.split(".")
        if first not in ROOTS or not all(parts):
            return None
        path = self.top(first, beside).joinpath(*parts)
        if (path / "__init__.py").is_file():
            return Place(path / "__init__.py", path)
        if parts and path.with_name(f"{path.name}.py").is_file():
            return Place(path.with_name(f"{path.name}.py"))
        return Place(None, path) if path.is_dir() else None

    def facts(self, module: str, place: Place) -> Facts:
        """What the text of a module says."""
        name = str(place.text or place.folder)
        if name not in self.said:
            texts = () if place.text is None else (place.text.read_text("utf8"),)
            package = place.folder is not None
            scripts = [] if package or is_library(module) else place.text.parent.glob("*.py")
            beside = tuple(sorted(file.stem for file in scripts))
            self.said[name] = read(module, package, texts, beside)
        return self.said[name]

    def line(self, path: Path) -> str:
        """The name of a file and its hash."""
        if path not in self.hashes:
            self.hashes[path] = sha256(path.read_bytes())
        return f"{path.relative_to(self.root).as_posix()} {self.hashes[path]}"


class Reach:
    """Everything that some code cells reach.

    Args:
        library: what can be imported.
        beside: the folder of the chapter.
        cells: what its cells say.
    """

    def __init__(self, library: Library, beside: Path, cells: Facts):
        self.library, self.beside = library, beside
        self.modules: dict[str, Facts] = {}
        self.everything = ""
        """Why nothing finer than everything could be found."""
        self.whole: set[str] = set()
        self.loaded: set[str] = set()
        self.links: set[str] = set()
        self.files: set[Path] = set()
        self.waiting: list[tuple[str, Facts]] = [("", cells)]
        while self.waiting and not self.everything:
            self.follow(*self.waiting.pop())

    def place(self, module: str) -> Place | None:
        """Where a module is, or nothing."""
        return self.library.place(module, self.beside)

    def coarse(self, why: str) -> None:
        """Give up: from here on everything counts."""
        self.everything = self.everything or why

    @cached_property
    def lines(self) -> list[str]:
        """One line for each file, own part of an ``__init__`` and re-export that counts."""
        if self.everything:
            tops = (self.library.top(name, self.beside) for name in ROOTS)
            return sorted(self.library.line(file) for top in tops for file in files(top, ["."]))
        lines = {self.library.line(file) for file in self.files} | self.links
        for module, facts in self.modules.items():
            place = self.place(module)
            if place.folder is None or module in self.whole:
                lines |= {self.library.line(place.text)} if place.text else set()
            else:
                lines.add(f"own part of {module} {sha256(facts.own_text)}")
        return sorted(lines)

    # ------------------------------------------------------------ one text

    def follow(self, module: str, facts: Facts) -> None:
        """Take in all that one text uses."""
        known = module in HARMLESS
        book = not is_library(module)
        if facts.dynamic and not known:
            self.coarse(f"{module or 'a cell'}: {facts.dynamic}")
        if facts.own_file and not known and not book:
            self.coarse(f"{module} asks where it is stored")
        for name in (*facts.loads, *facts.later):
            self.load(name)
        for name in (*facts.stars, *facts.dynamic_imports):
            self.pass_on(name)
        for first, *attributes in facts.uses:
            for target in facts.imports[first]:
                self.use(target, attributes)
        for text in facts.mentions:
            self.mention(text, book)
        if facts.resources and module:
            self.files.update(self.resources(module))
        if book and module:
            self.files.update(self.stored(module))

    def load(self, module: str) -> None:
        """Follow what importing a module runs, in search of modules that act when imported."""
        for name in above(module):
            if name in self.loaded:
                continue
            self.loaded.add(name)
            place = self.place(name)
            if place is None:
                continue
            facts = self.library.facts(name, place)
            if facts.acts:
                self.reach(name)
            for other in facts.loads:
                self.load(other)

    def use(self, target: Target, attributes: list[str]) -> None:
        """Follow a bound name through its attributes, as far as they are modules."""
        for module in self.ends(target):
            if self.place(module) is None:
                self.coarse(f"there is no {module}")
            elif attributes:
                self.use(Target(module, attributes[0]), attributes[1:])
            else:
                self.pass_on(module)

    def ends(self, target: Target) -> list[str]:
        """The modules that a target may be, after reaching what defines it."""
        return self.named(target.module, target.name) if target.name else [target.module]

    def named(self, module: str, name: str, asked: tuple[Target, ...] = ()) -> list[str]:
        """Reach what defines ``module.name``; returns the modules that it may itself be."""
        place = self.place(module)
        if place is None or Target(module, name) in asked:
            self.coarse(f"cannot find {module}.{name}")
            return []
        self.reach(module)
        facts = self.library.facts(module, place)
        inner = f"{module}.{name}" if place.folder else ""
        found = [inner] if inner and self.place(inner) else []
        for target in facts.imports.get(name, ()):
            self.links.add(f"{module}.{name} is {target.name or '.'} of {target.module}")
            if not target.name:
                found.append(target.module)
            elif target != Target(module, name):  # a submodule, found above
                found += self.named(target.module, target.name, (*asked, Target(module, name)))
        plain = name in facts.defined or name in facts.imports or name == "__version__"
        if not found and not plain and name != "__name__":
            self.coarse(f"cannot find {module}.{name}")
        return found

    # ------------------------------------------------------------ what counts

    def reach(self, module: str) -> None:
        """A module counts, with the packages that it is in, and what it uses."""
        for name in above(module):
            place = self.place(name)
            if place and name not in self.modules:
                self.modules[name] = self.library.facts(name, place)
                self.waiting.append((name, self.modules[name]))

    def pass_on(self, module: str) -> None:
        """A module object leaves sight: all that can be had from it counts."""
        place = self.place(module)
        if module == "lowrot" or place is None:
            self.coarse(f"{module} is handed on as an object" if place else f"there is no {module}")
        elif module not in self.whole:
            self.whole.add(module)
            self.reach(module)
            for targets in self.library.facts(module, place).imports.values():
                for target in targets:
                    for name in self.ends(target):
                        self.pass_on(name)
            for file in files(place.folder, ["."]) if place.folder else ():
                inside = file.relative_to(place.folder)
                if file.suffix != ".py":
                    self.files.add(file)
                elif file.name != "__init__.py":
                    self.pass_on(".".join([module, *inside.with_suffix("").parts]))
                elif len(inside.parts) > 1:
                    self.pass_on(".".join([module, *inside.parts[:-1]]))

    def mention(self, text: str, book: bool) -> None:
        """A string may name a module, a program, or a file beside the chapter."""
        if CODE.search(text):
            self.coarse(f"code in a string: {text!r}")
        if MENTION.fullmatch(text) and self.place("lowrot"):
            module = [name for name in above(text.rstrip(".")) if self.place(name)][-1]
            self.reach(module)
            self.files.update(self.resources(module))
            rest = text[len(module) + 1 :].split(".")
            if text.endswith("."):
                self.pass_on(module)
            elif rest != [""]:
                self.use(Target(module, rest[0]), rest[1:])
        parts = re.split(r"[/\\]", text)
        for root in ROOTS if book and len(parts) > 1 else ():
            if root in parts[:-1]:
                self.path(root, parts[parts.index(root) + 1 :])

    def path(self, root: str, inner: list[str]) -> None:
        """A path that begins in one of the folders: that file, or all of them."""
        if root == "lowrot":
            self.coarse("a path into the library")
        folder = self.library.top(root, self.beside)
        file = folder.joinpath(*inner)
        self.files.update([file] if file.is_file() else files(folder, ["."]))

    def resources(self, module: str) -> Iterator[Path]:
        """The files that lie in the package of a module and are no modules."""
        place = self.place(module)
        folder = place.folder or place.text.parent
        for file in files(folder, ["."]):
            between = file.relative_to(folder).parents
            packages = any((folder / part / "__init__.py").is_file() for part in list(between)[:-1])
            if file.suffix != ".py" and not packages:
                yield file

    def stored(self, module: str) -> Iterator[Path]:
        """The files named after a script, and those named after none, in its folder."""
        place = self.place(module)
        folder = place.folder or place.text.parent
        stems = [script.stem for script in folder.glob("*.py")]
        for file in files(folder, ["."]):
            name = file.relative_to(folder).parts[0]
            owners = [stem for stem in stems if re.match(rf"{re.escape(stem)}([_.]|$)", name)]
            mine = place.text is not None and place.text.stem in owners
            if file.suffix != ".py" and (mine or not owners):
                yield file


def is_library(module: str) -> bool:
    """Whether a module is part of ``lowrot``."""
    return module.split(".")[0] == "lowrot"


def above(module: str) -> Iterable[str]:
    """The packages that a module is in, outermost first, and the module."""
    parts = module.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def reach(library: Library, docname: str) -> Reach:
    """What a chapter reaches."""
    file = library.root / f"{docname}.md"
    return Reach(library, file.parent, read_cells(file.read_text("utf8")))
