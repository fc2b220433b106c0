"""What a chapter's key covers: all that its cells reach, and little more.

First a small planted project, laid out as this one; then this project itself.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from lowrot_book import imports, keys, source  # noqa: E402

CHAPTER = "---\nfile_format: mystnb\n---\n# Title\n\n```{{code-cell}} ipython3\n{}\n```\n"
LOCK = "requirements.lock"
PROJECT = {
    "requirements.lock": "numpy==2.4.6\n",
    "_toc.yml": "root: book/flow\nchapters:\n- file: book/escape\n- file: book/margins\n",
    "book/flow.md": CHAPTER.format(
        "import lowrot\nfrom figures import flow as figures\n"
        "figures.draw(lowrot.gradient_flow())\nlowrot.claim('a')"
    ),
    "book/escape.md": CHAPTER.format(
        "from data import escape as stored\nfrom lowrot import plots, theorems\n"
        "from figures.escape import arrows\nplots.scrubber(theorems.escape())\n"
        "arrows(stored.read('law'))"
    ),
    "book/margins.md": CHAPTER.format("from lowrot import claim, margin\nclaim(margin())"),
    "book/figures/_shared.py": "GREY = 1\n",
    "book/figures/flow.py": "from figures import _shared\nfrom lowrot.plots import ring\n"
    "def draw(path):\n    return ring(_shared.GREY)\n",
    "book/figures/escape.py": "from ._shared import GREY\ndef arrows(law):\n    return GREY\n",
    "book/figures/unused.py": "",
    "book/data/_sweeps.py": "class Sweeps: pass\n",
    "book/data/escape.py": "from data._sweeps import Sweeps\nread = Sweeps(__file__).read\n"
    "if __name__ == '__main__':\n    from lowrot import coupled_flow\n",
    "book/data/escape_law.csv": "1\n",
    "book/data/other.py": "",
    "book/data/other_law.csv": "2\n",
    "lowrot/__init__.py": '''"""An index."""
from lowrot.claims import claim
from lowrot.coupled import coupled_flow
from lowrot.flow import gradient_flow
from lowrot.metrics import margin
from lowrot.theorems import escape
__version__ = "1"
__all__ = ["claim", "coupled_flow", "escape", "gradient_flow", "margin"]
''',
    "lowrot/_validate.py": "def positive(x): pass\n",
    "lowrot/claims.py": "from lowrot import _validate\ndef claim(x): _validate.positive(x)\n",
    "lowrot/metrics/__init__.py": "from lowrot.metrics._kkt import kkt\n"
    "from lowrot.metrics._margins import margin\n",
    "lowrot/metrics/_margins.py": "from lowrot import _validate\n"
    "def margin(): _validate.positive(1)\n",
    "lowrot/metrics/_kkt.py": "def kkt(): pass\n",
    "lowrot/flow/__init__.py": "from lowrot.flow._flow import descent, gradient_flow\n",
    "lowrot/flow/_flow.py": "from ._run import Run\ndef gradient_flow(): return Run().step()\n"
    "def descent(): pass\n",
    "lowrot/flow/_run.py": "class Run:\n    def step(self):\n"
    "        from .neuron import slide\n        return slide()\n",
    "lowrot/flow/neuron/__init__.py": "from lowrot.flow.neuron._sliding import slide\n",
    "lowrot/flow/neuron/_sliding.py": "def slide(): pass\n",
    "lowrot/coupled/__init__.py": "from lowrot.coupled._flow import coupled_flow\n",
    "lowrot/coupled/_flow.py": "from lowrot.coupled import _run\n"
    "def coupled_flow(): return _run.run()\n",
    "lowrot/coupled/_run.py": "def run(): pass\n",
    "lowrot/theorems/__init__.py": "from lowrot.theorems._escape import escape\n"
    "from lowrot.theorems._statistics import interval\n",
    "lowrot/theorems/_escape.py": "from ..claims import claim\ndef escape(): return claim(1)\n",
    "lowrot/theorems/_statistics.py": "def interval(): pass\n",
    "lowrot/plots/__init__.py": "from lowrot.plots._ring import ring\n"
    "from lowrot.plots._scrubber import scrubber\n",
    "lowrot/plots/_ring.py": "def ring(): pass\n",
    "lowrot/plots/_scrubber.py": "from importlib.resources import files\n"
    "def scrubber(x):\n    return files('lowrot.plots').joinpath('scrubber.css').read_text()\n",
    "lowrot/plots/scrubber.css": "a {}\n",
}


class Tree:
    """A project on disk, and which of its chapters a change reaches."""

    def __init__(self, root: Path):
        self.root = root

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    @contextmanager
    def changed(self, path: str, text: str | None = None) -> Iterator[None]:
        """Change a file, or make one, and put all back."""
        file = self.root / path
        old = file.read_bytes() if file.is_file() else None
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if text is not None else (old or b"") + b"\n# changed\n")
        try:
            yield
        finally:
            file.unlink() if old is None else file.write_bytes(old)

    def keys(self) -> dict[str, str]:
        return keys.code_keys(self.root)

    def hit(self, path: str, text: str | None = None) -> set[str]:
        """The chapters whose outputs are out of date once a file is changed."""
        before = self.keys()
        with self.changed(path, text):
            after = self.keys()
        return {Path(name).name for name in before if before[name] != after[name]}

    def reach(self, code: str) -> imports.Reach:
        """What a cell reaches."""
        facts = source.read_cells(CHAPTER.format(textwrap.dedent(code)))
        return imports.Reach(imports.Library(self.root), self.root / "book", facts)

    def files(self, code: str) -> set[str]:
        """The modules and other files that a cell reaches, without those that hold a package."""
        reach = self.reach(code)
        found = {line.split()[0] for line in reach.lines if line.split()[0].count("/")}
        return {"everything"} if reach.everything else {f.removeprefix("lowrot/") for f in found}


@pytest.fixture
def tree(tmp_path):
    planted = Tree(tmp_path)
    for path, text in PROJECT.items():
        planted.write(path, text)
    return planted


# ---------------------------------------------------------------- which chapters a change reaches


@pytest.mark.parametrize(
    ("path", "chapters"),
    [
        ("book/figures/flow.py", "flow"),
        ("book/figures/escape.py", "escape"),
        ("book/figures/_shared.py", "flow escape"),
        ("book/figures/unused.py", ""),
        ("book/data/escape.py", "escape"),
        ("book/data/escape_law.csv", "escape"),
        ("book/data/_sweeps.py", "escape"),
        ("book/data/other.py", ""),
        ("book/data/other_law.csv", ""),
        ("lowrot/_validate.py", "flow escape margins"),
        ("lowrot/claims.py", "flow escape margins"),
        ("lowrot/metrics/_margins.py", "margins"),
        ("lowrot/metrics/_kkt.py", ""),
        ("lowrot/flow/_flow.py", "flow"),
        ("lowrot/flow/_run.py", "flow"),
        ("lowrot/flow/neuron/_sliding.py", "flow"),
        ("lowrot/coupled/_flow.py", ""),
        ("lowrot/coupled/_run.py", ""),
        ("lowrot/theorems/_escape.py", "escape"),
        ("lowrot/theorems/_statistics.py", ""),
        ("lowrot/plots/_ring.py", "flow"),
        ("lowrot/plots/_scrubber.py", "escape"),
        ("lowrot/plots/scrubber.css", "escape"),
        (LOCK, "flow escape margins"),
    ],
)
def test_changed_file(tree, path, chapters):
    assert tree.hit(path) == set(chapters.split())


@pytest.mark.parametrize(
    ("path", "text", "chapters"),
    [
        ("book/data/loose.csv", "", "escape"),  # named after no script: any might read it
        ("book/data/escape_new.csv", "", "escape"),
        ("lowrot/plots/scrubber.js", "", "escape"),
        ("lowrot/flow/__init__.py", "from lowrot.flow._radau import gradient_flow\n", "flow"),
        ("lowrot/flow/gradient_flow.py", "", "flow"),  # may now be what the name means
        ("lowrot/coupled/__init__.py", "", ""),
        ("lowrot/__pycache__/x.cpython-311.pyc", "", ""),
    ],
)
def test_new_file(tree, path, text, chapters):
    assert tree.hit(path, text) == set(chapters.split())


def test_an_index_may_grow(tree):
    """A re-export concerns those who use it; what an ``__init__`` does itself, all its package."""
    index = PROJECT["lowrot/__init__.py"]
    more = index + "from lowrot.plots import ring\n"
    assert tree.hit("lowrot/__init__.py", more.replace("An index.", "A longer index.")) == set()
    renamed = index.replace("import gradient_flow", "import descent as gradient_flow")
    assert tree.hit("lowrot/__init__.py", renamed) == {"flow"}
    everyone = {"flow", "escape", "margins"}
    assert tree.hit("lowrot/__init__.py", index.replace('"1"', '"2"')) == everyone
    assert tree.hit("lowrot/__init__.py", index + "import torch\ntorch.set_seed(1)\n") == everyone
    init = PROJECT["lowrot/plots/__init__.py"] + "@lru_cache(1)\ndef size(): return 1\n"
    tree.write("lowrot/plots/__init__.py", init)
    more = init.replace("cache(1)", "cache(2)")
    assert tree.hit("lowrot/plots/__init__.py", more) == {"flow", "escape"}
    assert tree.hit("lowrot/plots/__init__.py", init + "SIZE = 3\n") == {"flow", "escape"}


def test_the_text_counts_in_its_own_key_only(tree):
    text = PROJECT["book/flow.md"] + "\nMore prose.\n"
    assert tree.hit("book/flow.md", text) == set()
    before = {name: keys.chapter_key(tree.root, f"book/{name}") for name in ("flow", "escape")}
    with tree.changed("book/flow.md", text):
        assert keys.chapter_key(tree.root, "book/flow") != before["flow"]
        assert keys.chapter_key(tree.root, "book/escape") == before["escape"]


# ---------------------------------------------------------------- how names are followed

FLOW = {"flow/_flow.py", "flow/_run.py", "flow/neuron/_sliding.py"}
COUPLED = {"coupled/_flow.py", "coupled/_run.py"}
PLOTS = {"plots/_ring.py", "plots/_scrubber.py", "plots/scrubber.css"}
WHOLE_PLOTS = PLOTS | {"plots/__init__.py"}
CLAIM = {"claims.py", "_validate.py"}


@pytest.mark.parametrize(
    ("code", "reached"),
    [
        ("import lowrot", set()),
        ("import lowrot.plots", set()),
        ("import numpy as np\nnp.array(1)", set()),
        ("import lowrot as lr\nlr.gradient_flow()", FLOW),
        ("import lowrot.flow\nlowrot.flow.gradient_flow()", FLOW),
        ("import lowrot.flow as f\nf.gradient_flow", FLOW),
        ("import lowrot\nlowrot.flow._flow.gradient_flow()", FLOW),
        ("from lowrot.flow import gradient_flow as g\ng()", FLOW),
        ("from lowrot import flow, coupled\ncoupled.coupled_flow()", COUPLED),
        ("def f():\n    from lowrot import coupled_flow\n    return coupled_flow()", COUPLED),
        ("try:\n    import lowrot\nfinally:\n    pass\nlowrot.coupled._run.run()",
         {"coupled/_run.py"}),
        ("import lowrot\nf'{lowrot.theorems.interval()}'", {"theorems/_statistics.py"}),
        ("from lowrot import coupled\ncoupled._run.RUNS.append(1)", {"everything"}),
        ("from lowrot import plots\nplots.ring.__name__", {"plots/_ring.py"}),
        ("import lowrot\nif __name__ == '__main__':\n    lowrot.claim(1)", CLAIM),
        # a module that leaves sight
        ("from lowrot import plots\nhelp(plots)", WHOLE_PLOTS),
        ("from lowrot import plots\nP = plots\nP.ring()", WHOLE_PLOTS),
        ("from lowrot import plots\ngetattr(plots, 'ring')", WHOLE_PLOTS),
        ("from lowrot.plots import *", WHOLE_PLOTS),
        ("from importlib import import_module\nimport_module('lowrot.plots').ring()", WHOLE_PLOTS),
        ("import importlib\nimportlib.import_module('lowrot.plots')", WHOLE_PLOTS),
        ("from lowrot.coupled import _run\nmock.patch.object(_run, 'run')", {"coupled/_run.py"}),
        ("mock.patch('lowrot.coupled._run.run')", {"coupled/_run.py"}),
        ("mock.patch('lowrot.coupled_flow')", COUPLED),
        ("from lowrot import flow\nf(flow)",
         FLOW | {"flow/__init__.py", "flow/neuron/__init__.py"}),
        ("mock.patch(f'lowrot.coupled.{name}')", COUPLED | {"coupled/__init__.py"}),
        ("from importlib.resources import files\nfiles('lowrot.plots')", {"plots/scrubber.css"}),
        ("import lowrot.gone as g\ng()", {"everything"}),
        ("import lowrot\nf(lowrot)", {"everything"}),
        ("import lowrot\ngetattr(lowrot, name)", {"everything"}),
        ("import lowrot\nlowrot.__all__", {"everything"}),
        ("import lowrot\nlowrot.unknown()", {"everything"}),
        ("from lowrot import unknown\nunknown()", {"everything"}),
        ("from lowrot import *", {"everything"}),
        # what cannot be followed
        ("import importlib\nimportlib.import_module(name)", {"everything"}),
        ("import importlib\nimportlib.import_module('.plots', 'lowrot')", {"everything"}),
        ("import importlib\nload = importlib.import_module", {"everything"}),
        ("from importlib.util import find_spec", {"everything"}),
        ("import importlib\nimportlib.reload(x)", {"everything"}),
        ("from importlib.metadata import version\nversion('lowrot')", set()),
        ("import importlib.metadata\nimportlib.metadata.version('lowrot')", set()),
        ("__import__('numpy')", set()),
        ("__import__('lowrot.plots')", {"everything"}),
        ("import sys\nsys.modules['lowrot.flow']", {"everything"}),
        ("from sys import modules", {"everything"}),
        ("import sys as s\ns.modules", {"everything"}),
        ("import runpy", {"everything"}),
        ("eval('1')", {"everything"}),
        ("exec(text)", {"everything"}),
        ("globals()['lowrot']", {"everything"}),
        ("vars()", {"everything"}),
        ("vars(x)", set()),
        ("subprocess.run(['python', '-c', 'import lowrot'])", {"everything"}),
        ("open('../lowrot/claims.py')", {"everything"}),
        ("%matplotlib inline", {"everything"}),
        ("!ls", {"everything"}),
        ("x = (", {"everything"}),
        ("---\nload: other.py\n---\n", {"everything"}),
        (":load: other.py\n", {"everything"}),
        (":tags: [hide-input]\nimport lowrot\nlowrot.claim(1)", CLAIM),
        ("---\ntags: [hide-input]\n---\nimport lowrot\nlowrot.claim(1)", CLAIM),
        # files beside the chapter
        ("open('data/escape_law.csv')", {"book/data/escape_law.csv"}),
        ("'data/' + name", {f for f in PROJECT if f.startswith("book/data")}),
        ("Path('data')", {f for f in PROJECT if f.startswith("book/data")}),
        ("Path('.') / 'data'", {f for f in PROJECT if f.startswith("book/data")}),
        ("{'data': 1}", set()),
        ("from data import other", set()),
        ("from data import other\nother.read", {"everything"}),  # there is no such name
        ("from data.escape import read\nread",
         {"book/data/escape.py", "book/data/escape_law.csv", "book/data/_sweeps.py"}),
    ],
)  # fmt: skip
def test_names_are_followed(tree, code, reached):
    assert tree.files(code) == reached


@pytest.mark.parametrize("fence", ["```", "````", "~~~", "  ```", "> ```"])
def test_every_cell_is_read(tree, fence):
    """Cells share their names, and nested ones count: no Markdown parser is needed for that."""
    mark = fence.strip("> ")
    lead = fence.removesuffix(mark)
    cells = ["import lowrot as lr", "lr.claim(1)"]
    text = "".join(f"{lead}{mark}{{code-cell}} ipython3\n{lead}{c}\n{lead}{mark}\n" for c in cells)
    facts = source.read_cells("# Title\n" + text + "the end\n")
    reach = imports.Reach(imports.Library(tree.root), tree.root / "book", facts)
    assert {"lowrot.claims", "lowrot._validate"} <= set(reach.modules)
    assert not reach.everything


def test_a_module_that_leaves_sight_takes_all_along(tree):
    """What its text imports without using it, what it does not list, and its files."""
    init = PROJECT["lowrot/plots/__init__.py"]
    tree.write("lowrot/plots/__init__.py", init + "from lowrot.theorems import interval\n")
    tree.write("lowrot/plots/_unlisted.py", "")
    tree.write("lowrot/plots/deep/style.json", "")
    code = "from lowrot import plots\nf(plots)"
    more = {"theorems/_statistics.py", "plots/_unlisted.py", "plots/deep/style.json"}
    assert tree.files(code) == WHOLE_PLOTS | more
    tree.write("lowrot/coupled/table.csv", "")
    code = "from lowrot import coupled\nf(coupled)"
    assert tree.files(code) == COUPLED | {"coupled/__init__.py", "coupled/table.csv"}


def test_a_package_comes_before_a_module(tree):
    tree.write("lowrot/coupled.py", "def coupled_flow(): pass\n")
    assert tree.files("import lowrot\nlowrot.coupled_flow()") == COUPLED


def test_the_packages_above_a_module_count(tree):
    """They run before it."""
    code = "from lowrot.coupled._run import run\nrun()"
    before = tree.reach(code).lines
    tree.write("lowrot/coupled/__init__.py", PROJECT["lowrot/coupled/__init__.py"] + "SIZE = 1\n")
    assert tree.reach(code).lines != before


@pytest.mark.parametrize("way", ["files(__package__)", "resources.files(__name__)", "get_data()"])
def test_files_in_packages(tree, way):
    """However they are found: those in the folder, but not those of packages inside it."""
    tree.write("lowrot/coupled/table.csv", "")
    tree.write("lowrot/coupled/deep/table.csv", "")
    tree.write("lowrot/coupled/inner/__init__.py", "")
    tree.write("lowrot/coupled/inner/table.csv", "")
    text = "from importlib import resources\n" if "resources" in way else ""
    text += "from importlib.resources import files\n" if way.startswith("files") else ""
    way = way.replace("get_data", "loader().get_data")
    tree.write("lowrot/coupled/_run.py", f"{text}def run(): return {way}\n")
    found = {"coupled/table.csv", "coupled/deep/table.csv"}
    assert tree.files("import lowrot\nlowrot.coupled_flow()") == COUPLED | found


LAZY = """
from importlib import import_module
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from lowrot.coupled import coupled_flow
_HOMES = {"gradient_flow": "lowrot.flow", "claim": ".claims"}
def __getattr__(name):
    return getattr(import_module(_HOMES[name], __name__), name)
"""


def test_lazy_index(tree):
    """Names are found in the block for type checkers, and in the table that __getattr__ uses."""
    tree.write("lowrot/__init__.py", LAZY)
    assert tree.files("import lowrot\nlowrot.coupled_flow()") == COUPLED
    assert tree.files("import lowrot\nlowrot.gradient_flow()") == FLOW
    assert tree.files("import lowrot\nlowrot.claim(1)") == CLAIM
    assert tree.files("import lowrot\nlowrot.plots.ring()") == {"plots/_ring.py"}
    assert tree.files("import lowrot\nlowrot.margin()") == {"everything"}
    before = tree.reach("import lowrot\nlowrot.gradient_flow()").lines
    tree.write("lowrot/__init__.py", LAZY.replace("_HOMES[name]", "_HOMES[name.lower()]"))
    assert tree.reach("import lowrot\nlowrot.gradient_flow()").lines != before
    # Another table is code like any other.
    tree.write("lowrot/__init__.py", LAZY + 'OTHER = {"margin": "lowrot.metrics"}\n')
    assert tree.files("import lowrot\nlowrot.margin()") == {"everything"}
    assert tree.reach("import lowrot\nlowrot.gradient_flow()").lines != before
    # A table that is not understood throughout is code like any other, and hides no name.
    tree.write("lowrot/__init__.py", LAZY.replace('".claims"', '".claims" + ""'))
    assert tree.files("import lowrot\nlowrot.gradient_flow()") == {"everything"}


def test_blocks_for_type_checkers_bind_nothing_elsewhere(tree):
    block = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lowrot import plots\n"
    tree.write("lowrot/claims.py", block + "def claim(x: plots.ring): pass\n")
    assert tree.files("import lowrot\nlowrot.claim(1)") == {"claims.py"}
    other = "else:\n    from lowrot.theorems import interval as plots\n"
    tree.write("lowrot/claims.py", block + other + "def claim(x): plots()\n")
    assert tree.files("import lowrot\nlowrot.claim(1)") == {"claims.py", "theorems/_statistics.py"}


def test_a_function_may_bind_names_of_its_module(tree):
    tree.write("lowrot/claims.py", "def claim(x):\n    global COUNT\n    COUNT = 1\n")
    assert tree.files("from lowrot import claims\nclaims.COUNT") == {"claims.py"}


@pytest.mark.parametrize(
    "line",
    [
        "np.random.seed(1)",
        "np.zero = 1",
        "TABLE['x'] = 1",
        "for x in y: pass",
        "@escape.register\ndef f(): pass",
        "from lowrot.claims import claim\nENTRY = claim(1)",
        "from lowrot.claims import claim\n@claim\ndef f(): pass",
        "class A:\n    np.random.seed(1)",
        "if np.x:\n    np.seterr()",
        "try:\n    np.seterr()\nexcept E:\n    pass",
    ],
)
def test_a_module_that_acts_when_imported_is_not_passed_over(tree, line):
    """Nobody uses it, but ``import lowrot`` runs it."""
    module = "lowrot/theorems/_statistics.py"
    everyone = {"flow", "escape", "margins"}
    assert tree.hit(module) == set()
    quiet = "import numpy as np\nX: int = np.array(1)\nif np.x:\n    Y = 2\n"
    quiet += "if TYPE_CHECKING:\n    f()\nif __name__ == '__main__':\n    f()\n"
    tree.write(module, PROJECT[module] + quiet)
    assert tree.hit(module) == set()
    tree.write(module, PROJECT[module] + quiet + line + "\n")
    assert tree.hit(module) == everyone


def test_what_a_function_imports_runs_with_the_function(tree):
    """A module that acts, and that only functions import, only concerns those who reach them."""
    tree.write("lowrot/_extra.py", "import torch\ntorch.set_flush_denormal(True)\n")
    assert tree.hit("lowrot/_extra.py") == set()
    tree.write("lowrot/claims.py", PROJECT["lowrot/claims.py"] + "from lowrot import _extra\n")
    assert tree.hit("lowrot/_extra.py") == {"flow", "escape", "margins"}
    inside = "def margin():\n    from lowrot import _extra\n"
    tree.write("lowrot/claims.py", PROJECT["lowrot/claims.py"])
    tree.write("lowrot/metrics/_margins.py", inside)
    assert tree.hit("lowrot/_extra.py") == {"margins"}


@pytest.mark.parametrize(
    "line",
    [
        "import lowrot.extra._deep",
        "from lowrot.extra._deep import x",
        "from lowrot.extra import _deep",
        "from lowrot.extra import *",
    ],
)
def test_what_a_text_imports_in_passing_runs(tree, line):
    """In a module that nobody uses but all import, and through a package that it only names."""
    tree.write("lowrot/extra/__init__.py", "import torch\ntorch.set_flush_denormal(True)\n")
    tree.write("lowrot/extra/_deep.py", "")
    tree.write("lowrot/theorems/_statistics.py", f"{line}\ndef interval(): pass\n")
    assert tree.hit("lowrot/extra/__init__.py", "X = 1\n") == {"flow", "escape", "margins"}


def test_what_only_a_type_checker_imports_does_not_run(tree):
    tree.write("lowrot/_extra.py", "import torch\ntorch.set_flush_denormal(True)\n")
    tree.write("lowrot/__init__.py", LAZY.replace("lowrot.coupled", "lowrot._extra"))
    assert tree.files("import lowrot\nlowrot.claim(1)") == CLAIM
    assert tree.files("import lowrot\nlowrot.coupled_flow()") == {"everything"}


@pytest.mark.parametrize(
    "line",
    [
        "def f(): return Base.__subclasses__()",
        "class Base:\n    def __init_subclass__(cls): pass",
        "class A(metaclass=Keeps): pass",
        "HERE = __file__",
        "def f(name): return __import__(name)",
        "def f(): import sys; return sys.modules",
        "from ..... import x",
        "x = (",
    ],
)
def test_what_a_module_hides_makes_everything_count(tree, line):
    tree.write("lowrot/_validate.py", PROJECT["lowrot/_validate.py"] + line + "\n")
    assert tree.files("import lowrot\nlowrot.claim(1)") == {"everything"}
    assert tree.files("import lowrot\nlowrot.gradient_flow()") == FLOW
    everyone = {"flow", "escape", "margins"}
    assert tree.hit("lowrot/coupled/_run.py") == everyone
    assert tree.hit("book/figures/unused.py") == everyone
    assert tree.hit("book/data/other_law.csv") == everyone


def test_the_compiler_is_known_to_be_harmless(tree):
    """It looks at all modules, and at its own place: neither changes what is computed."""
    looks = "import sys\nfrom pathlib import Path\nHERE = Path(__file__)\ndef jit(f): return f\n"
    tree.write("lowrot/_jit.py", looks + "def interpreted(): return list(sys.modules)\n")
    tree.write("lowrot/coupled/_run.py", "from lowrot._jit import jit\n@jit\ndef run(): pass\n")
    assert tree.files("import lowrot\nlowrot.coupled_flow()") == COUPLED | {"_jit.py"}
    assert tree.files("import lowrot\nlowrot.claim(1)") == CLAIM


def test_scripts_may_import_their_neighbours(tree):
    """``python book/data/escape.py`` finds them without the name of the folder."""
    tree.write("book/data/escape.py", "from _sweeps import Sweeps\nread = Sweeps(1)\n")
    assert "book/data/_sweeps.py" in tree.files("from data import escape\nescape.read(1)")


# ---------------------------------------------------------------- this project

CHAPTERS = keys.chapters(ROOT)
STORED = sorted(path.name for path in (ROOT / "book" / "data").glob("*.csv"))
FIGURES = sorted(path.stem for path in (ROOT / "book" / "figures").glob("[a-z]*.py"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The part of this project that keys are made of."""
    root = tmp_path_factory.mktemp("project")
    for name in ("_toc.yml", LOCK):
        shutil.copy(ROOT / name, root / name)
    for name in ("lowrot", "book/data", "book/figures"):
        ignored = shutil.ignore_patterns("__pycache__")
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in keys.pages(ROOT):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / f"{name}.md", root / f"{name}.md")
    return Tree(root)


def home(thing: object) -> str:
    """The file of this project that defines something."""
    return sys.modules[thing.__module__].__file__.removeprefix(f"{ROOT}/")


def saying(pattern: str) -> set[str]:
    """The chapters with code that matches."""
    texts = {Path(name).name: (ROOT / f"{name}.md").read_text("utf8") for name in CHAPTERS}
    return {
        name
        for name, text in texts.items()
        if any(re.search(pattern, code) for code in source.cells(text))
    }


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_chapter_can_be_followed(name):
    assert imports.reach(imports.Library(ROOT), name).everything == ""


def test_a_validated_argument_concerns_everyone(copy):
    """All chapters make data or networks, and those are validated."""
    assert copy.hit("lowrot/_validate/_arrays.py") == {Path(name).name for name in CHAPTERS}


def test_the_coupled_flow_concerns_those_who_follow_it(copy):
    import lowrot

    hit = copy.hit(home(lowrot.coupled_flow))
    assert saying(r"\bcoupled_flow\(") <= hit
    assert not hit & {"notation", "margins", "flow"}


def test_the_scrubber_concerns_those_who_show_it(copy):
    from lowrot import plots

    users = saying(r"plots\.(scrubber|Panel)\b")
    assert users
    assert users <= copy.hit(home(plots.scrubber))
    for name in ("live.css", "live.js"):
        hit = copy.hit(f"lowrot/plots/{name}")
        assert users | {"index", "flow", "no_rotation"} <= hit, "they show charts or sliders"


@pytest.mark.parametrize("file", STORED)
def test_a_stored_sweep_concerns_those_who_read_it(copy, file):
    script = next(s for s in (ROOT / "book" / "data").glob("[a-z]*.py") if file.startswith(s.stem))
    users = saying(rf"from data import {script.stem}\b")
    assert script.stem in users
    for other in script.parent.glob("[a-z]*.py"):  # a script that reads the slices of another
        if re.search(rf"^from data import .*\b{script.stem}\b", other.read_text("utf8"), re.M):
            users |= saying(rf"from data import {other.stem}\b")
    assert copy.hit(f"book/data/{file}") == users


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_concerns_its_chapter(copy, name):
    others = (ROOT / "book" / "figures").glob("[a-z]*.py")
    borrow = {o.stem for o in others if f"from figures.{name} import" in o.read_text("utf8")}
    assert copy.hit(f"book/figures/{name}.py") == {name} | borrow


INDEXES = sorted(
    ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "lowrot").rglob("__init__.py")
)


@pytest.mark.parametrize("package", INDEXES)
def test_public_names_are_found_where_they_are_defined(package):
    """An index that hands out names on demand must not mislead: ask Python itself."""
    index, library = importlib.import_module(package), imports.Library(ROOT)
    for name in getattr(index, "__all__", ()):
        thing = getattr(index, name)
        facts = source.read_cells(CHAPTER.format(f"import {package}\n{package}.{name}"))
        reach = imports.Reach(library, ROOT / "book", facts)
        assert not reach.everything, name
        home = getattr(thing, "__module__", None) or ""
        if home.startswith("lowrot") and (inspect.isclass(thing) or inspect.isfunction(thing)):
            assert home in reach.modules, name


SNIPPET = """
import lowrot
from lowrot import claim, plots, theorems
xor = lowrot.sparse_parity(2)
net = lowrot.balanced(6, 2, seed=1)
path = lowrot.gradient_flow(net, xor, stop={"tau": 2})
best = lowrot.global_margin(xor)
lowrot.normalized_margin(net, xor)
theorems.binomial_interval(3, 10)
claim("a-claim", "A statement", path["tau"][-1], ">=", 1.0, "measured", path=path)
plots.use_style()
"""
WATCH = """
import sys, threading, lowrot, lowrot.plots
seen = set()
def watch(frame, event, argument):
    if event == "call" and frame.f_code.co_name != "<module>":
        seen.add(frame.f_globals.get("__name__", ""))
threading.setprofile(watch)
sys.setprofile(watch)
exec(SNIPPET)
sys.setprofile(None)
print("\\nused", *sorted(name for name in seen if name.split(".")[0] == "lowrot"))
"""


def test_nothing_runs_that_was_not_found():
    """The modules whose functions are called, compiled ones too, are among those reached."""
    program = f"SNIPPET = {SNIPPET!r}\n{WATCH}"
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, text=True, capture_output=True, check=True
    )
    used = set(done.stdout.split("\nused ")[1].split())
    facts = source.read_cells(CHAPTER.format(SNIPPET))
    reach = imports.Reach(imports.Library(ROOT), ROOT / "book", facts)
    assert len(used) >= 15, "the functions were not watched"
    assert used <= set(reach.modules), "a function ran in a module that no key covers"
    assert not reach.everything
    assert len(reach.modules) < len(list((ROOT / "lowrot").rglob("*.py")))
