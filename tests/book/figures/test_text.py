"""Tables and glued numbers: how they are written."""

import numpy as np
import pandas as pd

import lowrot
from figures import _text


def test_cells_hold_formulas_and_powers():
    assert _text.cell(True) == "yes"
    assert _text.cell("a < $b_1$") == (
        "\u2060" r'a &lt; <span class="math notranslate nohighlight">\(b_1\)</span>'
    )
    assert _text.cell(-2e-9) == "−2.00&nbsp;·&nbsp;10<sup>−9</sup>"
    assert _text.cell(2e9) == "2.00&nbsp;·&nbsp;10<sup>9</sup>"
    assert _text.cell(10**6) == "10<sup>6</sup>"
    assert _text.cell(-np.inf) == "−∞"


def test_a_table_shows_names_once():
    frame = pd.DataFrame({"$g$": [0.5, 2.0]}, index=pd.Index([2, 30_000], name="$d$"))
    shown = _text.table(frame).data
    assert shown.count(r"\(g\)") == shown.count(r"\(d\)") == 1
    assert "30\u202f000" in shown
    assert "2.00" in shown
    assert "30\u202f000" not in _text.table(frame, index=False).data


def test_words_stand_at_the_left_and_numbers_at_the_right():
    frame = pd.DataFrame({"name": ["a", "b"], "gap": [0.5, "proved 0"], "n": [4096.0, 1.0]})
    shown = _text.table(frame, index=False).data
    assert '<th class="text-start">name</th>' in shown
    assert '<td class="text-start">a</td>' in shown
    assert "<th>gap</th>" in shown
    assert "<td>proved 0</td>" in shown
    assert "<td>4096</td>" in shown
    shown = _text.table(frame.set_index("name")).data
    assert shown.count("text-start") == 3  # the rows and what they are called
    shown = _text.table(frame.set_index("n")[["gap"]]).data
    assert "text-start" not in shown


def test_hypotheses_say_first_whether_they_hold():
    net, data = lowrot.standard(20, 2, seed=0), lowrot.sparse_parity(2)
    theorem = lowrot.near_init_flow(net, data)
    shown = _text.hypotheses(theorem).data
    assert "<td>yes</td>" in shown
    assert '<td class="text-start">corollary' in shown
    assert "\u2060" not in shown
    assert shown.index("holds") < shown.index("hypothesis") < shown.index("asked for")
    assert shown.count("<tr") == 1 + len(theorem.hypotheses)
    assert r"\(8 (\ln n + N)\)" in shown
    assert r"\le g^2 = " in shown


def test_glued_values_are_plain(monkeypatch):
    glued = {}
    monkeypatch.setattr(_text, "glue", lambda name, value, display: glued.update({name: value}))
    _text.say("a", m=np.int64(800), wide_m=15_000, share=np.float64(0.25), words="x")
    assert glued == {"a-m": 800, "a-wide-m": "15\u202f000", "a-share": 0.25, "a-words": "x"}
    assert [type(value) for value in glued.values()] == [int, str, float, str]
