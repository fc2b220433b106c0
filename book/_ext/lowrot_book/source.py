"""What one text of Python says about the modules it needs, read with ``ast`` and never run.

An imported name counts where it is used, not where it is imported: an import that its own text
leaves unused is a re-export, and others may follow it. What cannot be followed is reported in
``Facts.dynamic``, never passed over.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from .cells import cells
from .facts import HARMLESS, ROOTS, Facts, Target
from .syntax import acts, is_import, is_lazy, is_main, is_typing, lines_of, names

BUILTINS = {"eval", "exec", "compile", "globals", "locals", "get_ipython", "__builtins__"}
IMPORTERS = {"import_module", "__import__"}
ATTRIBUTES = {"exec_module", "load_module", "find_spec", "__subclasses__"}
MODULES = {"builtins", "code", "codeop", "imp", "pkgutil", "runpy", "zipimport"}
IMPORTLIB = {"import_module", "metadata", "resources"}
OWN_FILE = {"__file__", "__path__", "__spec__", "__loader__"}
OPENERS = {"Path", "PurePath", "FilePath", "open", "chdir", "listdir", "scandir", "walk", "glob",
           "rglob", "join", "joinpath"}  # fmt: skip


def read_cells(text: str) -> Facts:
    """What all the code cells of a chapter say, together."""
    return read("", False, tuple(cells(text)))


@lru_cache(maxsize=4096)
def read(module: str, package: bool, texts: tuple[str, ...], beside: tuple[str, ...] = ()) -> Facts:
    """What a text says; cells are many texts with common names, and ``module`` is empty.

    Args:
        module: its dotted name.
        package: whether it is an ``__init__.py``.
        texts: to read.
        beside: scripts in its folder, which it may import without naming the folder.
    """
    reader = Reader(module, package, beside)
    trees: list[ast.Module] = []
    for text in texts:
        try:
            trees.append(ast.parse(text))
        except (SyntaxError, ValueError) as error:
            reader.dynamic.append(f"code that is no plain Python: {error}")
    body = [statement for tree in trees for statement in tree.body]
    lazy = [statement for statement in body if is_lazy(statement)]
    reader.lazy = {name for function in lazy for name in names(function)}
    lines, own = texts[0].splitlines() if len(texts) == 1 else [], []
    for statement in body:
        mine = not reader.reexports(statement)
        own += lines_of(statement, lines) if mine else []
        # What __getattr__ hands out is looked up name by name instead, or not resolved at all.
        if not is_lazy(statement) and (mine or is_import(statement)):
            reader.visit(statement)
    return reader.facts(acts(body, reader.callable()), "\n".join(own))


class Reader(ast.NodeVisitor):
    """Collects the facts of one text."""

    def __init__(self, module: str, package: bool, beside: tuple[str, ...]):
        self.module, self.beside = module, beside
        self.folder = module if package else module.rpartition(".")[0]
        self.lazy: set[str] = set()
        self.depth, self.unrun = 0, False
        self.imports: dict[str, set[Target]] = defaultdict(set)
        self.chains: set[tuple[str, ...]] = set()
        self.stars: set[str] = set()
        self.dynamic_imports: set[str] = set()
        self.loads: set[str] = set()
        self.later: set[str] = set()
        self.defined: set[str] = set()
        self.mentions: set[str] = set()
        self.dynamic: list[str] = []
        self.own_file = self.resources = False

    def facts(self, acting: bool, own_text: str) -> Facts:
        """What was found."""
        return Facts(
            imports={name: tuple(sorted(targets)) for name, targets in self.imports.items()},
            uses=tuple(sorted(chain for chain in self.chains if chain[0] in self.imports)),
            stars=tuple(sorted(self.stars)),
            dynamic_imports=tuple(sorted(self.dynamic_imports)),
            loads=tuple(sorted(self.loads)),
            later=tuple(sorted(self.later)),
            defined=frozenset(self.defined),
            mentions=tuple(sorted(self.mentions)),
            dynamic=self.dynamic[0] if self.dynamic else "",
            acts=acting,
            own_file=self.own_file,
            resources=self.resources,
            own_text=own_text,
        )

    def reexports(self, statement: ast.stmt) -> bool:
        """Whether a statement at the top only documents, imports, or lists what is imported."""
        if isinstance(statement, ast.Expr):
            return isinstance(statement.value, ast.Constant)
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = getattr(statement.targets[0], "id", "")
            return target == "__all__" or (target in self.lazy and self.mapping(statement.value))
        return is_import(statement)

    def mapping(self, value: ast.expr) -> bool:
        """Take a dictionary from names to modules as imports; whether it is one, throughout."""
        if not isinstance(value, ast.Dict) or not value.keys:
            return False
        pairs = [(getattr(key, "value", None), getattr(item, "value", None))
                 for key, item in zip(value.keys, value.values, strict=True)]  # fmt: skip
        if not all(isinstance(word, str) for pair in pairs for word in pair):
            return False
        root = self.folder.split(".")[0]
        for name, module in pairs:
            full = module if module.split(".")[0] == root else f"{self.folder}.{module.lstrip('.')}"
            self.imports[name].add(Target(full, name))
        return True

    def callable(self) -> frozenset[str]:
        """The names of ours that might do something when called at the top of a module."""

        def known(target: Target) -> bool:
            return bool(HARMLESS & {target.module, f"{target.module}.{target.name}"})

        return frozenset(n for n, targets in self.imports.items() if not all(map(known, targets)))

    # ------------------------------------------------------------ imports

    def ours(self, name: str) -> str:
        """The full name of a module of this repository, or nothing."""
        top = name.split(".")[0]
        if top in ROOTS:
            return name
        return f"{self.folder}.{name}" if top in self.beside else ""

    def load(self, *modules: str) -> None:
        """Remember modules that an import statement runs, if they are modules."""
        if not self.unrun:
            (self.later if self.depth else self.loads).update(modules)

    def foreign(self, module: str, taken: Iterable[str]) -> None:
        """Look at an import from elsewhere: some give other ways to import."""
        top, _, rest = module.partition(".")
        taken = {rest.split(".")[0]} if rest else set(taken)
        if top in MODULES or (top == "sys" and "modules" in taken):
            self.dynamic.append(f"import of {module}")
        if top == "importlib" and not taken <= IMPORTLIB:
            self.dynamic.append(f"import from {module}")
        self.resources |= "resources" in taken or "resources" in module

    def visit_Import(self, node: ast.Import) -> None:
        """``import lowrot.flow as f``."""
        for alias in node.names:
            target = self.ours(alias.name)
            if not target:
                self.foreign(alias.name, ())
                self.defined.add(alias.asname or alias.name.split(".")[0])
                if alias.asname and alias.name in ("sys", "importlib"):
                    self.dynamic.append(f"{alias.name} under another name")
                continue
            self.load(target)
            if alias.asname:
                self.imports[alias.asname].add(Target(target))
            else:
                first = alias.name.split(".")[0]
                self.imports[first].add(Target(self.ours(first)))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """``from lowrot.flow import gradient_flow``, and relative ones."""
        module = self.ours(node.module or "") if not node.level else self.relative(node)
        if not module:
            self.foreign(node.module or "", (alias.name for alias in node.names))
            self.defined.update(alias.asname or alias.name for alias in node.names)
            return
        for alias in node.names:
            if alias.name == "*":
                self.load(module)
                self.stars.add(module)
                continue
            self.load(f"{module}.{alias.name}")  # with what it is in
            self.imports[alias.asname or alias.name].add(Target(module, alias.name))

    def relative(self, node: ast.ImportFrom) -> str:
        """The module that a relative import names."""
        parts = self.folder.split(".") if self.folder else []
        if node.level > len(parts):
            self.dynamic.append("a relative import that leaves its package")
            return ""
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def visit_Call(self, node: ast.Call) -> None:
        """``import_module("lowrot.flow")``, and calls that take paths."""
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        given = [getattr(argument, "value", None) for argument in node.args]
        if called in IMPORTERS:
            name = given[0] if given else None
            if not isinstance(name, str) or name.startswith(".") or len(given) > 1:
                self.dynamic.append(f"{called} of a name that is not in the text")
            elif self.ours(name):
                self.dynamic_imports.add(name if called == "import_module" else name.split(".")[0])
            else:
                self.foreign(name, ())
            return
        if called in ("vars", "dir") and not node.args:
            self.dynamic.append(f"{called}()")
        if called in OPENERS:
            self.mentions.update(f"{value}/" for value in given if value in ROOTS)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """``Path(..) / "data"``."""
        if isinstance(node.op, ast.Div):
            sides = (getattr(side, "value", None) for side in (node.left, node.right))
            self.mentions.update(f"{value}/" for value in sides if value in ROOTS)
        self.generic_visit(node)

    # ------------------------------------------------------------ uses

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """A name with all the attributes that follow it is one use."""
        attributes, inner = [], node
        while isinstance(inner, ast.Attribute):
            attributes.insert(0, inner.attr)
            inner = inner.value
        if (ATTRIBUTES | IMPORTERS) & set(attributes):
            self.dynamic.append(ast.unparse(node))
        self.resources |= bool({"get_data", "resources"} & set(attributes))
        if not isinstance(inner, ast.Name):
            self.visit(inner)
            return
        if inner.id == "sys" and attributes[0] == "modules":
            self.dynamic.append("sys.modules")
        if inner.id == "importlib" and attributes[0] not in IMPORTLIB:
            self.dynamic.append(f"importlib.{attributes[0]}")
        self.name(inner.id, *attributes)

    def visit_Name(self, node: ast.Name) -> None:
        """A name without attributes: bound, or used whole."""
        if isinstance(node.ctx, ast.Load):
            self.name(node.id)
        elif not self.depth:
            self.defined.add(node.id)

    def name(self, *chain: str) -> None:
        """Note one use."""
        if chain[0] in BUILTINS | IMPORTERS:
            self.dynamic.append(chain[0])
        if chain[0] in OWN_FILE:
            self.own_file = True
        self.chains.add(chain)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Strings may name modules and files."""
        if isinstance(node.value, str) and any(root in node.value for root in ROOTS):
            self.mentions.add(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        """A string by itself is documentation."""
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    # ------------------------------------------------------------ scopes

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """What is imported inside runs later."""
        if not self.depth:
            self.defined.add(node.name)
        if node.name == "__init_subclass__":
            self.dynamic.append("__init_subclass__")
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """A metaclass may keep a list of its classes."""
        if not self.depth:
            self.defined.add(node.name)
        known = ("ABCMeta", "EnumMeta", "EnumType")
        kinds = [word.value for word in node.keywords if word.arg == "metaclass"]
        if any(getattr(kind, "id", getattr(kind, "attr", "")) not in known for kind in kinds):
            self.dynamic.append(f"the metaclass of {node.name}")
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        """Blocks for type checkers bind names only where the module hands them out on demand."""
        if not is_typing(node) and not (self.module and is_main(node)):
            self.generic_visit(node)
            return
        self.unrun = True
        for statement in node.body if self.lazy and is_typing(node) else ():
            self.visit(statement)
        self.unrun = False
        for statement in node.orelse:
            self.visit(statement)

    def visit_Global(self, node: ast.Global) -> None:
        """A function may bind names of its module."""
        self.defined.update(node.names)
