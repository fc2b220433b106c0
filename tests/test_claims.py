"""The ledger compares, refuses, and records."""

import json
import math
import sys

import numpy as np
import pytest

from lowrot import claims, losses
from lowrot.claims import MIME, ClaimError, claim
from lowrot.path import Certificate, Path

CERTIFIED = Path({"tau": np.array([0.0, 1.0])}, reason="done")
BROKEN = Path({"tau": np.array([0.0])}, certificates={"drift": Certificate(1.0, 0.1, "F4")})


@pytest.fixture
def checked(monkeypatch):
    """Make a claim; returns what it shows."""
    shown = []
    monkeypatch.setattr(claims, "display", shown.append)

    def make(*arguments, **options):
        assert claim(*arguments, **options) is None
        return shown.pop()

    yield make
    assert not shown, "a claim was shown twice, or shown and then refused"


@pytest.mark.parametrize(
    ("measured", "relation", "bound", "holds"),
    [
        (1.0, "<=", 1.0, True),
        (1.0 + 1e-15, "<=", 1.0, False),
        (1.0, "<", 1.0, False),
        (1.0, ">=", 1.0, True),
        (1.0, ">", 1.0, False),
        (1.0, "==", 1.0, True),
        (1.0, "==", 1.0 + 1e-15, False),
        ([0.5, 0.6, 1.1], "<=", 1.0, False),
        (math.inf, ">=", 1.0, True),
        (math.nan, "<=", 1.0, False),
        (math.nan, ">=", 1.0, False),
    ],
)
def test_a_relation_must_hold_for_every_value(checked, measured, relation, bound, holds):
    arguments = ("an-id", "a statement", measured, relation, bound, "measured")
    if holds:
        assert checked(*arguments).passed
    else:
        with pytest.raises(ClaimError, match="an-id"):
            checked(*arguments)


def test_nearly_equal_needs_a_tolerance_and_keeps_to_it(checked):
    assert checked("x", "s", 1.05, "~", 1.0, "measured", tolerance=0.1).slack == pytest.approx(0.05)
    with pytest.raises(ClaimError):
        checked("x", "s", 1.05, "~", 1.0, "measured", tolerance=0.01)
    with pytest.raises(ClaimError):
        checked("x", "s", 0.95, "~", 1.0, "measured", tolerance=0.01)
    with pytest.raises(ValueError, match="tolerance"):
        checked("x", "s", 1.0, "~", 1.0, "measured")
    with pytest.raises(ValueError, match="tolerance"):
        checked("x", "s", 1.0, "<=", 1.0, "measured", tolerance=0.1)


def test_spread_and_slack_are_those_of_the_values(checked):
    made = checked("x", "s", [3.0, 1.0, 2.0], ">=", 0.5, "derived", seeds=range(3))
    assert made.measured == {"median": 2.0, "min": 1.0, "max": 3.0, "count": 3}
    assert made.slack == 0.5
    assert made.seeds == [0, 1, 2]


@pytest.mark.parametrize(
    ("measured", "relation", "bound", "relative"),
    [
        ([3.0, 1.0], ">=", 0.5, 0.5),
        (1e-9, "<", 1e-3, 1 - 1e-6),
        (3.0, ">=", -1e-7, 1 + 1e-7 / 3),
        ([0.99, 1.03], "~", 1.0, 0.4),
        (1.0, "==", 1.0, None),
        (0.0, "<=", 0.0, None),
        (math.inf, ">=", 1.0, None),
    ],
)
def test_relative_slack_is_over_the_larger_side(checked, measured, relation, bound, relative):
    tolerance = 0.05 if relation == "~" else 0.0
    made = checked("x", "s", measured, relation, bound, "derived", tolerance=tolerance)
    assert made.relative_slack == (None if relative is None else pytest.approx(relative))


def test_what_the_report_needs_is_recorded(checked):
    made = checked(
        *("x", "s", 3.0, "<=", 5.0, "measured"),
        theorem="thm-one",
        unit="degrees",
        loss=losses.Logistic(),
        seeds=[],
        sizes={"d": np.array([4, 2, 2]), "m": 800, "h": 0.5},
    )
    record = made._repr_mimebundle_()[MIME]
    assert record["theorem"] == "thm-one"
    assert record["unit"] == "degrees"
    assert record["loss"] == ["logistic"]
    assert record["seeds"] == []
    assert json.dumps(record["sizes"]) == '{"d": [2, 4], "m": [800], "h": [0.5]}'
    assert str(made).endswith("3\N{NO-BREAK SPACE}≤\N{NO-BREAK SPACE}5\N{NO-BREAK SPACE}degrees")
    bare = checked("x", "s", 3.0, "<=", 5.0, "derived")
    assert (bare.theorem, bare.unit, bare.loss, bare.seeds, bare.sizes) == (None, "1", [], None, {})


@pytest.mark.parametrize(
    ("meta", "loss", "said"),
    [
        ([{"kind": "flow", "loss": "logistic"}, {"loss": "exponential"}], None,
         ["exponential", "logistic"]),
        ([{"kind": "regression"}], None, ["squared"]),
        ([{"kind": "sgd", "update": "perceptron"}], None, ["perceptron"]),
        ([{"kind": "flow", "loss": "logistic"}], "exponential", ["exponential"]),
        ([{}], None, []),
    ],
)  # fmt: skip
def test_losses_are_those_of_the_paths(checked, meta, loss, said):
    paths = [Path({"tau": np.array([0.0])}, meta=each) for each in meta]
    assert checked("x", "s", 1.0, "<=", 2.0, "derived", path=paths, loss=loss).loss == said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "Not An Id"}, "id is"),
        ({"relation": "=<"}, "relation is"),
        ({"provenance": "folklore"}, "provenance is"),
        ({"id": 7}, "id is 7"),
        ({"measured": []}, "measured is empty"),
        ({"measured": "much"}, "measured is .*much"),
        ({"measured": [1.0, None]}, "measured is None"),
        ({"measured": 1j}, "measured is 1j; expected real numbers"),
        ({"measured": [1.0, 1.0 + 0j]}, "measured is .*; expected real numbers"),
        ({"measured": np.ma.masked_array([1.0, 9.0], [False, True])}, "measured is a masked"),
        ({"measured": np.ma.masked}, "measured is a masked"),
        ({"measured": [np.ma.masked_array([1.0, 9.0], [0, 1])]}, "measured is a masked"),
        ({"bound": 1j}, "bound is 1j"),
        ({"bound": np.complex128(2 + 1j)}, "bound is"),
        ({"bound": np.ma.masked}, "bound is"),
        ({"bound": "2"}, "bound is '2'"),
        ({"relation": "~", "tolerance": np.complex128(1j)}, "tolerance is"),
        ({"seeds": [0.5]}, r"seeds\[0\] is 0.5"),
        ({"path": ["path"]}, "path is a str"),
        ({"bound": None}, "bound is None"),
        ({"bound": [1.0, 2.0]}, "bound is "),
        ({"theorem": "Theorem 1"}, "theorem is 'Theorem 1'"),
        ({"theorem": 1}, "theorem is 1"),
        ({"unit": 1}, "unit is"),
        ({"loss": "hinge"}, "loss is 'hinge'"),
        ({"loss": ["exponential", None]}, "loss is"),
        ({"sizes": [2, 3]}, "sizes is"),
        ({"sizes": {2: 3}}, "a symbol of sizes is"),
        ({"sizes": {"d": "two"}}, "sizes"),
    ],
)
def test_malformed_claims_are_refused(checked, change, message):
    arguments = {
        "id": "x",
        "statement": "s",
        "measured": 1.0,
        "relation": "<=",
        "bound": 2.0,
        "provenance": "measured",
    }
    with pytest.raises((ValueError, TypeError), match=message):
        checked(**{**arguments, **change})


def test_a_path_that_is_not_certified_is_refused(checked):
    assert checked("x", "s", 1.0, "<=", 2.0, "measured", path=CERTIFIED).passed
    with pytest.raises(ClaimError, match="drift"):
        checked("x", "s", 1.0, "<=", 2.0, "measured", path=[CERTIFIED, BROKEN])


def test_the_record_is_strict_json_and_the_badge_is_escaped(checked):
    made = checked("x", "a < b & c", [1.0, math.inf], ">=", -math.inf, "derived")
    bundle = made._repr_mimebundle_()
    record = json.loads(json.dumps(bundle[MIME], allow_nan=False))
    assert record["measured"]["max"] == "inf"
    assert record["bound"] == "-inf"
    assert "a &lt; b &amp; c" in bundle["text/html"]
    assert 'id="claim-x"' in bundle["text/html"]


def tied(text):
    return text.replace("~", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(
    ("claimed", "shown"),
    [
        ((1 / 3, "<=", 1e-7 + 1), "0.3333~≤~1"),
        (([2.0, 1e-9, 0.5], "<", 3.0), "0.5 (1e-09 to 2, 3~values) <~3"),
        (([-0.0, -0.0, 1.0], "<", 3.0), "0 (0 to 1, 3~values) <~3"),
        ((1 / 3, "~", 0.33, "measured", 0.01), "0.333333~≈~0.33~±~0.01"),
    ],
)
def test_the_badge_says_what_was_compared(checked, claimed, shown):
    measured, relation, bound, *rest = claimed
    text = checked("x", "s", measured, relation, bound, *(rest or ["measured"]))
    assert text._repr_mimebundle_()["text/plain"] == f"[measured] s: {tied(shown)}"


def test_outside_a_notebook_a_claim_is_a_line(capsys):
    claim("one-two", "One is below two & three", 1.0, "<", 2.0, "measured")
    assert capsys.readouterr().out == tied("[measured] One is below two & three: 1~<~2\n")


def test_in_a_notebook_a_claim_is_shown(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    claim("one-two", "One is below two", 1.0, "<", 2.0, "measured")
    assert [made.id for made in shown] == ["one-two"]


def test_without_ipython_a_claim_is_a_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "IPython", None)
    claim("one-two", "One is below two", 1.0, "<", 2.0, "measured")
    assert capsys.readouterr().out.startswith("[measured] One is below two")
