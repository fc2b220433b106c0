"""Tables and glued numbers: how they are written."""

import math

import numpy as np
import pandas as pd
import pytest

import lowrot
from figures import _text


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (True, "yes"),
        (np.bool_(False), "no"),
        (7, "7"),
        (1500, "1500"),
        (np.int64(15_000), "15\u202f000"),
        (999_999, "999\u202f999"),
        (1_000_000, "1e+06"),
        (-12_345_678, "-1.23e+07"),
        (999_999.0, "1.00e+06"),
        (0.0, "0.00"),
        (0.21564, "0.216"),
        (-3.14159, "-3.14"),
        (409.7, "410"),
        (2483.4, "2480"),
        (12_356.0, "12\u202f400"),
        (1.0957e8, "1.10e+08"),
        (3.7e-15, "3.70e-15"),
        (math.nan, ""),
    ],
)
def test_numbers_have_three_digits(number, shown):
    assert _text.spaced(number) == shown


def test_cells_hold_formulas_and_powers():
    assert _text.cell(True) == "yes"
    assert _text.cell("a < $b_1$") == (
        "\u2060" r'a &lt; <span class="math notranslate nohighlight">\(b_1\)</span>'
    )
    assert _text.cell(-2e-9) == "−2.00&nbsp;·&nbsp;10<sup>−9</sup>"
    assert _text.cell(2e9) == "2.00&nbsp;·&nbsp;10<sup>9</sup>"
    assert _text.cell(10**6) == "10<sup>6</sup>"


def test_a_table_shows_names_once():
    frame = pd.DataFrame({"$g$": [0.5, 2.0]}, index=pd.Index([2, 30_000], name="$d$"))
    shown = _text.table(frame).data
    assert shown.count(r"\(g\)") == shown.count(r"\(d\)") == 1
    assert "30\u202f000" in shown
    assert "2.00" in shown
    assert "30\u202f000" not in _text.table(frame, index=False).data


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
