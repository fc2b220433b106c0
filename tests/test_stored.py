"""The stored sweeps: provenance, completeness, and a cell that is computed again."""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent / "book"))
from data import bad_kkt
from data import near_init_sgd as stored


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
    large = sum(f.stat().st_size for f in stored.HERE.glob("near_init_sgd_*"))
    assert large < 250_000


def test_a_cell_comes_out_the_same():
    now = stored.curves(2, 16, "perceptron")
    then = stored.read("curves").merge(now[["rule", "d", "m", "seed", "samples"]])
    pd.testing.assert_frame_equal(then, now, check_dtype=False, rtol=1e-3)
    assert (then.mistakes.to_numpy() == now.mistakes.to_numpy()).all()
    counts, kept = stored.widths(2, 4), stored.read("widths")
    kept = kept[(kept.d == 2) & (kept.m == 4)].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, counts, check_dtype=False)


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
    assert sum(f.stat().st_size for f in bad_kkt.HERE.glob("bad_kkt_*")) < 50_000


def test_bad_kkt_slices_come_out_the_same():
    few = range(5)
    law, family = bad_kkt.read("law"), bad_kkt.read("family")
    for degrees, m in ((65, 2), (80, 4)):
        kept = law[(law.degrees == degrees) & (law.m == m)]
        assert bad_kkt.law(degrees, m, 0.02, few).ends[0] == kept.ends.iloc[0][:5]
    kept = family[(family.m == 10) & (family.scale == 1.0)].iloc[0]
    assert bad_kkt.family(10, 1.0, few).ends[0] == kept.ends[:5]
