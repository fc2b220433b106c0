"""What is compiled is what is written."""

from __future__ import annotations

import numpy as np

from lowrot import _jit, _motion, balanced, gradient_flow, sparse_parity


def test_compiled_and_interpreted_flows_agree():
    """On parity, with crossings and sliding pairs: the same steps, and numbers but for rounding."""
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    compiled = gradient_flow(net, data, stop={"tau": 4.0})
    with _jit.interpreted():
        plain = gradient_flow(net, data, stop={"tau": 4.0})
    assert compiled["sliding"][-1] > 0
    assert compiled.stats["steps"] == plain.stats["steps"]
    for name in ("a", "V", "P"):
        np.testing.assert_allclose(compiled[name], plain[name], rtol=1e-9, atol=1e-12)


def test_interpreted_functions_can_be_replaced_and_come_back(monkeypatch):
    before = _motion.propagate
    with _jit.interpreted():
        assert not hasattr(_motion.propagate, "py_func")
        assert not hasattr(_motion.at, "py_func")
    assert _motion.propagate is before


def test_what_is_kept_belongs_to_these_sources(tmp_path, monkeypatch):
    """A change in any of the sources leads to another folder."""
    for name in _jit._SOURCES:
        (tmp_path / f"{name}.py").write_text("x = 1")
    monkeypatch.setattr(_jit, "__file__", str(tmp_path / "_jit.py"))
    folders = {_jit._folder()}
    for name in _jit._SOURCES:
        (tmp_path / f"{name}.py").write_text("x = 2")
        folders.add(_jit._folder())
    assert len(folders) == 1 + len(_jit._SOURCES)


def test_the_first_flow_says_that_it_compiles(tmp_path, monkeypatch, capsys):
    """Only where progress is asked for."""
    net, data = balanced(12, 2, seed=1), sparse_parity(2)
    for folder, progress, said in (("none", True, 1), ("none", False, 0), ("", True, 0)):
        monkeypatch.setattr(_jit, "_FOLDER", str(tmp_path / folder))
        gradient_flow(net, data, stop={"tau": 0.1}, progress=progress)
        assert capsys.readouterr().out.count("compiling") == said
