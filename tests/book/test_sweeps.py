"""The stored sweeps: provenance, completeness, and a cell that is computed again."""

import numpy as np
import pandas as pd
import pytest

import lowrot
from data import bad_kkt
from data import near_init_flow as flow
from data import near_init_sgd as stored
from data import neural_collapse as groups
from data._sweeps import Sweeps, four_digits


def test_every_cell_is_there_with_its_provenance():
    curves, widths = stored.read("curves"), stored.read("widths")
    cells = set(curves[["d", "m"]].itertuples(index=False, name=None))
    assert cells == set(stored.SHAPES + stored.MET)
    assert set(widths[["d", "m"]].itertuples(index=False, name=None)) == set(stored.WIDTHS)
    for frame in (curves, widths):
        assert set(frame["rule"]) == set(stored.UPDATES)
        assert not frame.isna().any().any()
    for name in ("curves", "widths"):
        command, versions, _ = stored.provenance(name)
        assert command == f"command: python book/data/near_init_sgd.py {name}"
        assert "torch" in versions
    assert sum(stored.SWEEPS.file(n).stat().st_size for n in ("curves", "widths")) < 250_000


def test_a_cell_comes_out_the_same():
    now = stored.curves(2, 16, "perceptron")
    then = stored.read("curves").merge(now[["rule", "d", "m", "seed", "samples"]])
    pd.testing.assert_frame_equal(then, now, check_dtype=False, rtol=1e-3)
    assert (then.mistakes.to_numpy() == now.mistakes.to_numpy()).all()
    counts, kept = stored.widths(2, 4), stored.read("widths")
    kept = kept[(kept.d == 2) & (kept.m == 4)].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, counts, check_dtype=False)


def test_every_cell_of_the_flow_is_there_with_its_provenance():
    met, widths, ends = (flow.read(name) for name in ("met", "widths", "ends"))
    cells = set(met[["loss", "d", "m", "seed"]].itertuples(index=False, name=None))
    asked = {(o, d, m, s) for o in flow.LOSSES for d, m in flow.MET[o].items() for s in (0, 1)}
    assert cells == asked
    assert not met.isna().any().any()
    cells = set(widths[["loss", "d", "m", "seed"]].itertuples(index=False, name=None))
    seeds = flow.WIDTH_SEEDS
    assert cells == {(o, *cell, s) for o in flow.LOSSES for cell in flow.WIDTHS for s in seeds}
    assert not widths[widths.gamma > 0].isna().any().any()
    cells = set(ends[["d", "m", "seed"]].itertuples(index=False, name=None))
    far = {(d, m, s) for d, m in flow.MET["exponential"].items() for s in flow.MET_SEEDS}
    assert cells == far | {(*cell, s) for cell in flow.ENDS for s in flow.END_SEEDS}
    for name in ("met", "widths", "ends"):
        command, versions, _ = flow.provenance(name)
        assert command == f"command: python book/data/near_init_flow.py {name}"
        assert "torch" in versions
    assert sum(flow.SWEEPS.file(n).stat().st_size for n in ("met", "widths", "ends")) < 500_000


def test_a_cell_of_the_flow_comes_out_the_same():
    # Not to the last digit: rounding moves adaptive steps, whose tolerance is 1e-3.
    now, then = flow.widths(2, 8, "logistic", range(4)), flow.read("widths")
    then = then[(then["loss"] == "logistic") & (then.d == 2) & (then.m == 8) & (then.seed < 4)]
    pd.testing.assert_frame_equal(
        then.reset_index(drop=True), now, check_dtype=False, rtol=5e-3, atol=5e-3
    )


def test_the_half_way_point_is_interpolated():
    columns = {"tau": [0.0, 1.0, 2.0], "rho": [0.0, 2.0, 1.0], "P": [-1.0, 3.0, 9.0]}
    path = lowrot.Path({name: np.array(values) for name, values in columns.items()})

    class Theorem:
        class start:
            g = 1.0

    assert flow.half_way(Theorem, path) == (0.25, 0.0)
    Theorem.start.g = 5.0
    assert np.isnan(flow.half_way(Theorem, path)).all()


def test_a_sweep_is_written_and_read_again(tmp_path, capsys):
    folder = tmp_path / "book" / "data"
    folder.mkdir(parents=True)
    sweeps = Sweeps(folder / "script.py", "0.0")
    frame = four_digits(pd.DataFrame({"x": [1.23456, np.nan], "seed": [0, 1]}), ["seed"])
    sweeps.write("name", iter([frame[:1], frame[1:]]))
    assert sweeps.file("name").name == "script_name.csv"
    assert capsys.readouterr().out.count("name") == 2
    assert sweeps.provenance("name")[0] == "command: python book/data/script.py name"
    pd.testing.assert_frame_equal(sweeps.read("name"), frame)
    assert frame.x.iloc[0] == pytest.approx(1.235, abs=1e-12)


def test_bad_kkt_is_complete_and_certified():
    law, family = bad_kkt.read("law"), bad_kkt.read("family")
    assert list(law[["degrees", "m", "scale"]].itertuples(index=False, name=None)) == (
        bad_kkt.LAW_CELLS
    )
    assert list(family[["m", "scale"]].itertuples(index=False, name=None)) == (bad_kkt.FAMILY_CELLS)
    for name, frame, ends in (("law", law, bad_kkt.OUTCOMES), ("family", family, bad_kkt.ENDS)):
        assert (frame.starts == len(bad_kkt.SEEDS)).all()
        assert (frame[list(ends)].sum(axis=1) == frame.starts).all()
        assert (frame.certified == frame.starts).all()
        assert (frame.ends.str.len() == frame.starts).all()
        assert bad_kkt.provenance(name)[0] == f"command: python book/data/bad_kkt.py {name}"
    assert (law[list(bad_kkt.PATTERNS)].sum(axis=1) == law.starts).all()
    assert sum(bad_kkt.SWEEPS.file(n).stat().st_size for n in ("law", "family")) < 50_000


def test_bad_kkt_slices_come_out_the_same():
    few = range(5)
    law, family = bad_kkt.read("law"), bad_kkt.read("family")
    for degrees, m in ((65, 2), (80, 4)):
        kept = law[(law.degrees == degrees) & (law.m == m)]
        assert bad_kkt.law(degrees, m, 0.02, few).ends[0] == kept.ends.iloc[0][:5]
    kept = family[(family.m == 10) & (family.scale == 1.0)].iloc[0]
    assert bad_kkt.family(10, 1.0, few).ends[0] == kept.ends[:5]


def test_groups_are_complete_and_a_cell_comes_out_the_same():
    errors = groups.read("groups")
    cells = {(r, n, s) for r in groups.GROUPS for n in groups.SAMPLES for s in groups.SEEDS}
    assert set(errors[["r", "n", "seed"]].itertuples(index=False, name=None)) == cells
    assert len(errors) == len(cells)
    assert not errors.isna().any().any()
    assert groups.provenance("groups")[0] == "command: python book/data/neural_collapse.py groups"
    assert groups.SWEEPS.file("groups").stat().st_size < 50_000
    kept = errors[(errors.r == 4) & (errors.n == 4)][:4].reset_index(drop=True)
    now = groups.groups(4, 4, range(4))
    pd.testing.assert_frame_equal(kept, now, check_dtype=False, atol=5e-3, rtol=1e-3)


def test_ranges_tell_a_law_in_n_over_r_from_others():
    """The ratio of the two ranges, at most 0.3 in the chapter, for laws and for wrong data."""
    errors = groups.read("groups")

    def ratio(frame):
        apart, together = groups.ranges(frame)
        return np.inf if apart == 0 else together / apart

    def law(power):
        rate = errors.n / errors.r**power * 4.0 ** (power - 1)
        return errors.assign(error=0.5 * np.exp(-rate))

    assert ratio(errors) <= 0.3
    assert ratio(law(1.0)) < 1e-12
    for power in (0.0, 0.5, 1.5, 2.0):
        assert ratio(law(power)) > 0.35
    for wrong in ({2: 8, 8: 2}, {2: 4, 4: 2}):
        assert ratio(errors.assign(r=errors.r.replace(wrong))) > 1
    assert ratio(errors[errors.seed < 4]) > 0.6  # too few seeds to tell
