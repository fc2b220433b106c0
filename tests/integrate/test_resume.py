"""Only the arguments and the data that made a path may continue it; times land however close."""

import json
import math

import numpy as np
import pytest

from lowrot import (
    Dataset,
    Features,
    Path,
    balanced,
    coupled_flow,
    gradient_flow,
    regression_flow,
    sparse_parity,
)

NET, DATA = balanced(12, 2, seed=1), sparse_parity(2)
ORDER = [2, 0, 3, 1]
PERMUTED = Dataset(DATA.X[ORDER], DATA.y[ORDER])


def gradient(data=DATA, **options):
    return gradient_flow(NET, data, **options)


def coupled(data=DATA, features=None, **options):
    return coupled_flow(
        Features.from_network(NET) if features is None else features, data, **options
    )


def regression(data=DATA, **options):
    return regression_flow(NET, data.X, data.y, **options)


FLOWS = pytest.mark.parametrize(
    ("flow", "clock"), [(gradient, "tau"), (coupled, "tau"), (regression, "t")]
)


@FLOWS
def test_other_tolerances_and_permuted_data_are_refused(flow, clock, tmp_path):
    first = flow(stop={clock: 0.5})
    first.save(tmp_path / "first")
    for path in (first, Path.load(tmp_path / "first")):
        with pytest.raises(
            ValueError, match=r"resume is a path with rtol 0\.001; expected .*0\.01"
        ):
            flow(stop={clock: 1.0}, rtol=1e-2, resume=path)
        with pytest.raises(ValueError, match=r"resume is a path with data .* the data of the path"):
            flow(PERMUTED, stop={clock: 1.0}, resume=path)
        again = flow(Dataset(DATA.X.clone(), DATA.y.tolist()), stop={clock: 1.0}, resume=path)
        assert again[clock][-1] == 1.0
        assert again.ok, again.status


def test_the_coupled_flow_knows_its_method_and_features():
    first = coupled(stop={"tau": 0.5})
    with pytest.raises(ValueError, match="method 'sdirk2'; expected method 'euler'"):
        coupled(stop={"tau": 1.0}, method="euler", resume=first)
    made = Features.from_network(NET)
    order = list(reversed(range(12)))
    other = Features(made.directions[order], made.signs[order], made.start[order])
    with pytest.raises(ValueError, match="with features"):
        coupled(features=other, stop={"tau": 1.0}, resume=first)


@FLOWS
def test_a_file_that_knows_no_data_still_continues_where_its_numbers_agree(flow, clock):
    first = flow(stop={clock: 0.5})
    for name in ("data", "features", "method"):
        first.meta.pop(name, None)
    json.dumps(first.meta)
    assert flow(stop={clock: 1.0}, resume=first)[clock][-1] == 1.0
    with pytest.raises(ValueError, match="resume"):
        flow(Dataset(DATA.X, -DATA.y), stop={clock: 1.0}, resume=first)


@FLOWS
def test_times_a_rounding_apart_are_both_landed_on(flow, clock):
    times = [0.25, math.nextafter(0.25, 1.0), 1.0, 1.0 + 1e-15, 1.5]
    path = flow(stop={clock: 9.0}, save=times)
    assert path[clock].tolist() == [0.0, *times]
    assert path.ok, path.status
    plain = flow(stop={clock: 9.0}, save=[0.25, 1.0, 1.5])
    state = "z" if flow is coupled else "V"
    np.testing.assert_allclose(path[state][2], path[state][1], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(path[state][-1], plain[state][-1], rtol=0.05)


@FLOWS
@pytest.mark.parametrize("time", [1e-300, 1e-150, 1e-20])
def test_the_smallest_times_are_landed_on(flow, clock, time):
    path = flow(stop={clock: time})
    assert path[clock].tolist() == [0.0, time]
    assert path.ok, path.status
    assert path.outcome == "reached"
    rate = 0.0 if clock == "t" else path["ln_t"][-1] - math.log(time)
    if clock == "tau":  # dt = dtau/Lam, and Lam is its value at the start
        later = flow(stop={clock: 1e-10})
        assert rate == pytest.approx(later["ln_t"][-1] - math.log(1e-10), abs=1e-6)
    else:
        assert path["ln_t"][-1] == pytest.approx(math.log(time))


@FLOWS
def test_times_that_doubles_hardly_hold_are_refused(flow, clock):
    with pytest.raises(ValueError, match=r"stop\['t.*'\] is 1e-320; expected 0, or at least"):
        flow(stop={clock: 1e-320})
    with pytest.raises(ValueError, match=r"save\[0\] is 1e-320; expected 0, or at least"):
        flow(stop={clock: 1.0}, save=[1e-320, 1.0])


@FLOWS
@pytest.mark.parametrize("value", [math.nan, 1.0, 0, None, "", np.float64(1.0), [True]])
def test_a_rule_says_true_or_false(flow, clock, value):
    with pytest.raises(TypeError, match=r"stop\['when'\] is .*; expected True or False"):
        flow(stop={"when": lambda row: value, clock: 0.5})
    for plain in (False, np.bool_(False)):
        assert flow(stop={"when": lambda row, plain=plain: plain, clock: 0.5})[clock][-1] == 0.5


@FLOWS
def test_a_rule_that_edits_its_row_edits_a_copy(flow, clock):
    def edits(row):
        for name in row:
            row[name] = math.nan
        row.clear()
        return False

    path, plain = flow(stop={"when": edits, clock: 0.5}), flow(stop={clock: 0.5})
    assert path.ok, path.status
    for name, values in plain.columns.items():
        np.testing.assert_array_equal(path[name], values, err_msg=name)
