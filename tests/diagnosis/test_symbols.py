"""Every symbol of a verdict is explained where it is read, and none that does not occur."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import lowrot
from lowrot.diagnosis import _rows, _symbols
from lowrot.diagnosis._case import judged
from lowrot.diagnosis._symbols import MEANINGS, OF_THEOREM, explained, meaning_of, symbols
from lowrot.diagnosis._words import words
from lowrot.theorems import Hypothesis

ROOT = Path(__file__).parents[2]


def mixed(seed):
    """Points whose labels no linear classifier has."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(14, 3, generator=generator, dtype=torch.float64)
    return X, torch.sign(X[:, 0] * X[:, 1] + 0.1)


def varied():
    """Data of every kind of which some theorem speaks, and some start of each."""
    two, pairs = lowrot.two_points(1.2), lowrot.symmetric_pairs()
    line = (torch.tensor([[0.1], [0.5], [1.0], [1.0]]).double(), [0.5, -1.5, 1.0, 0.25])
    square = (torch.tensor([[1.0, 0.1], [0.1, 1.0]]).double(), [0.5, 1.25])
    samples = lowrot.sparse_parity(4, n=5, seed=0)
    return {
        "mixed": lowrot.diagnose(20, mixed(0)),
        "leaky": lowrot.diagnose(20, mixed(1), slope=0.3),
        "parity": lowrot.diagnose(50, lowrot.sparse_parity(2)),
        "few of the cube": lowrot.diagnose(10, samples),
        "own network": lowrot.diagnose(lowrot.standard(20, 2), lowrot.sparse_parity(2)),
        "groups": lowrot.diagnose(30, lowrot.collapsed_groups(r=3, d=4, sizes=[2, 2, 2])),
        "symmetric": lowrot.diagnose(4, pairs, slope=0.2),
        "linear": lowrot.diagnose(6, pairs, slope=1.0),
        "trap": lowrot.diagnose(4, lowrot.fragile_pairs(), slope=0.3),
        "two points": lowrot.diagnose(4, two),
        "two points, leaky": lowrot.diagnose(4, two, slope=0.2),
        "regression": lowrot.diagnose(9, lowrot.gaussian_regression(6, 5, "teacher")),
        "line": lowrot.diagnose(5, line),
        "one neuron": lowrot.diagnose(5, square, task="regression"),
    }


@pytest.fixture(scope="module")
def all_found():
    return varied()


def texts(verdict):
    return [verdict.reason, *(t for h in verdict.hypotheses for t in (h.statement, h.limit))]


def test_every_symbol_of_a_verdict_is_explained(all_found):
    seen = set()
    for name, found in all_found.items():
        listed = {symbol for symbol, _ in _rows.symbols(found, every=True).rows}
        for verdict in found.applicable:
            for symbol in symbols(" ".join(texts(verdict))):
                seen.add(symbol)
                assert meaning_of(verdict.theorem, symbol), (name, verdict.theorem, symbol)
                shown = "‖v‖" if symbol == r"\|" else words(f"${symbol}$")
                assert shown in listed, (name, verdict.theorem, symbol)
    assert len(seen) > 35


def test_every_symbol_of_a_reason_is_explained_below_the_table(all_found):
    for found in all_found.values():
        shown = {symbol for symbol, _ in _rows.symbols(found, every=False).rows}
        reasons = " ".join(v.reason for v in found.applicable)
        assert {words(f"${s}$") for s in symbols(reasons)} - {"‖"} <= shown
        text = str(found)
        assert ("Symbols" in text) == bool(shown)
        for symbol in shown:
            assert re.search(rf"^  {re.escape(symbol[:12])}", text, re.M), symbol


def written(node):
    """The text of a constant or of an f-string, 0 in place of its values."""
    if isinstance(node, ast.JoinedStr):
        parts = (v.value if isinstance(v, ast.Constant) else "0" for v in node.values)
        return "".join(parts)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_every_symbol_that_the_code_can_write_is_explained():
    """Of all hypotheses, also those that no data of these tests meets."""
    known = set(MEANINGS) | {symbol for _, symbol in OF_THEOREM}
    found = set()
    files = [f for part in ("theorems", "diagnosis") for f in (ROOT / "lowrot" / part).glob("*.py")]
    for file in files:
        tree = ast.parse(file.read_text("utf8"))
        for node in ast.walk(tree):
            if "\n" not in written(node) and file.name not in ("_words.py", "_symbols.py"):
                found |= set(symbols(written(node)))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "at_most":
                found |= {s for arg in node.args[2:3] for s in symbols(f"${written(arg)}$")}
    assert len(found) > 45
    assert sorted(found - known) == []


def test_meanings_use_no_symbol_that_is_not_explained():
    tables = (MEANINGS, OF_THEOREM, _symbols.TERMS, _symbols.TERMS_OF_THEOREM)
    used = {s for table in tables for meaning in table.values() for s in symbols(meaning)}
    assert sorted(used - set(MEANINGS) - {symbol for _, symbol in OF_THEOREM}) == []


def test_only_what_occurs_is_explained(all_found):
    found = all_found["regression"]
    shown = {symbol for symbol, _ in _rows.symbols(found, every=True).rows}
    assert "η_a" in shown
    assert not {"Γ", "g", "w^*"} & shown


def test_a_symbol_of_two_meanings_names_the_theorems(all_found):
    rows = [row for row in _rows.symbols(all_found["mixed"], every=True).rows if row[0] == "e"]
    assert len(rows) == 2
    assert "(Locking)" in rows[1][1]
    assert "One-pass SGD" in rows[0][1]


def test_formulas_are_cut_into_symbols():
    assert symbols(r"$g = \gamma_{\ell_2} \sqrt m$, $\|a_0\| \le 2.5e-05$") == [
        "g", r"\gamma_{\ell_2}", "m", r"\|", "a_0",
    ]  # fmt: skip
    assert symbols(r"$\mathcal Q$ and $k_*^2$, $\min_j c_j^2$, $w^*$, $x'$") == [
        r"\mathcal Q", "k_*", "c_j", "w^*", "x'",
    ]  # fmt: skip
    assert symbols("no formula, x") == []


def test_the_page_and_the_notebook_explain_them_too(all_found, tmp_path):
    found = all_found["mixed"]
    found.to_html(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf8")
    assert text.count("<dt>") == len(explained(found.applicable, every=True))
    assert "<dt>Γ</dt>" in text
    assert "<dl>" in found._repr_html_()


# ---------------------------------------------------------------- numbers and words of reasons


@pytest.mark.parametrize(
    ("value", "said"),
    [(1000.0, "1000"), (1.0, "1"), (0, "0"), (np.float64(12345.0), "12\u202f345"), (0.25, "0.250"),
     (2e7, "2.00e+07"), (float("inf"), "inf")],
)  # fmt: skip
def test_numbers_of_reasons_are_those_of_the_library(value, said):
    reason = judged([Hypothesis("it", value, r"$\le a = 1e+03$", False)]).reason
    assert reason == rf"it is {said}, asked $\le a = 1000$"
    assert words(reason) == f"it is {said}, asked <= a = 1000"


def test_no_reason_has_a_power_for_what_fits(all_found):
    for found in all_found.values():
        assert not re.search(r"\de\+0[0-5]", str(found))


def test_points_without_a_mirror_are_counted():
    """Two of five have one: of three points that mirror one, only one can."""
    X = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]).double()
    found = lowrot.diagnose(6, (X, [1, -1, -1, 1, 1]), slope=0.2)
    mirrored = [h for h in found["thm-sym-simple"].hypotheses if "mirror" in h.statement]
    assert [h.value for h in mirrored] == [3]
    assert "points without a mirror is 3, asked $= 0$" in found["thm-sym-simple"].reason


def test_data_that_are_not_separable_are_called_so(all_found):
    reason = all_found["mixed"]["thm-sym-optimum"].reason
    assert reason.startswith("not separable: the linear margin is at most ")
