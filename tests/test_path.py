"""Paths: certificates speak, files are whole or absent, nothing is unpickled."""

import math
import pickle

import numpy as np
import pytest
import torch

import lowrot
from lowrot.path import Certificate, Path


def example(**changes):
    arguments = {
        "columns": {"tau": np.array([0.0, 1.0, 10.0]), "ln_t": np.array([-np.inf, 0.1, np.inf])},
        "states": {"z": np.arange(6.0).reshape(3, 2)},
        "certificates": {"drift": Certificate(1e-12, 1e-9, "F4")},
        "stats": {"steps": 2.0},
        "reason": "reached tau = 10",
        "meta": {"kind": "coupled", "h": 0.1, "ln_q": [-1.0, -math.inf]},
    }
    return Path(**{**arguments, **changes})


def test_a_saved_path_comes_back_exactly(tmp_path):
    path = example()
    path.save(tmp_path / "run")
    back = Path.load(tmp_path / "run.npz")
    assert {k: v.tolist() for k, v in back.columns.items()} == {
        k: v.tolist() for k, v in path.columns.items()
    }
    assert np.array_equal(back["z"], path["z"])
    assert (back.certificates, back.stats, back.reason, back.outcome, back.meta) == (
        path.certificates,
        path.stats,
        path.reason,
        path.outcome,
        path.meta,
    )
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]


def test_a_failed_save_leaves_the_old_file_and_no_rest(tmp_path):
    example().save(tmp_path / "run.npz")
    before = (tmp_path / "run.npz").read_bytes()
    with pytest.raises(TypeError):
        example(meta={"unwritable": object()}).save(tmp_path / "run.npz")
    objects = {"tau": np.zeros(1), "x": np.array([object()], dtype=object)}
    with pytest.raises(ValueError):
        example(columns=objects, states={}).save(tmp_path / "run.npz")
    assert (tmp_path / "run.npz").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_damaged_foreign_and_pickled_files_are_refused(tmp_path):
    example().save(tmp_path / "good.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "good.npz").read_bytes()[:200])
    np.savez(tmp_path / "foreign.npz", x=np.ones(3))
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps({"a": 1}))
    np.savez(tmp_path / "objects.npz", header=np.array([{"a": 1}], dtype=object))
    with np.load(tmp_path / "good.npz") as good:
        arrays = dict(good) | {"state:z": np.array([{}, {}, {}], dtype=object)}
    np.savez(tmp_path / "state.npz", **arrays)
    for name in ("cut", "foreign", "pickle", "objects", "state"):
        with pytest.raises(ValueError, match=name):
            Path.load(tmp_path / f"{name}.npz")
    with pytest.raises(FileNotFoundError, match="absent"):
        Path.load(tmp_path / "absent.npz")


def test_the_status_names_each_certificate_that_fails():
    good, bad = example(), example(certificates={"drift": Certificate(1.0, 1e-9, "F4")})
    assert good.ok
    assert good.status.endswith("; certified")
    assert not bad.ok
    assert "drift = 1 > 1e-09" in bad.status
    assert not Certificate(math.nan, 1.0, "").ok


def test_rows_columns_and_times():
    path = example()
    assert len(path) == 3
    assert list(path.frame().columns) == ["tau", "ln_t"]
    assert path.certificate_frame().loc["drift", "ok"]
    assert path.at(5.0)["tau"] == 1.0
    assert path.at(1.0)["tau"] == 1.0
    with pytest.raises(ValueError, match="starts at tau = 0"):
        path.at(-1.0)
    regression = Path({"t": np.array([0.0, 2.0]), "loss": np.array([3.0, 1.0])})
    assert regression.at(1.0)["loss"] == 3.0
    with pytest.raises(ValueError, match="t is -1; this path starts at t = 0"):
        regression.at(-1.0)
    with pytest.raises(KeyError, match="no column or state 'y'"):
        path["y"]


def test_columns_must_agree():
    with pytest.raises(ValueError, match="expected tau"):
        Path({"x": np.zeros(2)})
    with pytest.raises(ValueError, match="lengths"):
        Path({"tau": np.zeros(2)}, {"z": np.zeros((3, 1))})


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_the_network_at_a_saved_point(slope, tmp_path):
    start, data = lowrot.balanced(6, 2, seed=0, slope=slope), lowrot.sparse_parity(2)
    path = lowrot.gradient_flow(start, data, stop={"tau": 2.0}, save=[1.0, 2.0])
    path.save(tmp_path / "flow")
    for kept in (path, Path.load(tmp_path / "flow")):
        first, last = kept.network(0), kept.network()
        assert torch.equal(first.V, start.V)
        assert first.slope == last.slope == slope
        assert float(last.margins(data).min()) == pytest.approx(path["min_margin"][-1], rel=1e-12)


def test_equality_is_identity():
    path, same = example(), example()
    assert path == path
    assert path != same
    assert len({path, same, path}) == 2


def test_a_path_is_saved_over_an_older_one(tmp_path):
    example().save(tmp_path / "run")
    example(reason="longer").save(tmp_path / "run")
    assert Path.load(tmp_path / "run").reason == "longer"
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]


def test_a_path_that_records_no_slope_is_one_of_relu():
    states = {"a": np.ones((1, 2)), "V": np.ones((1, 2, 3))}
    assert Path({"tau": np.zeros(1)}, states).network().slope == 0.0
    assert Path({"tau": np.zeros(1)}, states, meta={"slope": 0.3}).network().slope == 0.3
    with pytest.raises(KeyError, match="no column or state 'a'"):
        example().network()


@pytest.mark.parametrize("tau", ["a", "1", None, 1j, [1.0, 2.0], np.ma.masked])
def test_the_row_at_what_is_no_time(tau):
    with pytest.raises(TypeError, match=r"tau is .*; expected a number"):
        example().at(tau)


def test_the_row_at_the_ends_of_time():
    with pytest.raises(ValueError, match="tau is nan"):
        example().at(math.nan)
    assert example().at(math.inf)["tau"] == 10.0
    with pytest.raises(ValueError, match="starts at tau = 0"):
        example().at(-math.inf)


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "whole.npz").mkdir()
    for folder in ("", tmp_path, tmp_path / "runs", f"{tmp_path}/new/", tmp_path / "whole"):
        with pytest.raises(ValueError, match=r"path is .*, a folder; expected the name of a file"):
            example().save(folder)
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["runs", "whole.npz"]
    with pytest.raises(TypeError, match="path is a int"):
        example().save(3)


def test_masked_columns_are_refused_where_files_would_drop_the_mask():
    with pytest.raises(TypeError, match=r"columns\['tau'\] is a MaskedArray"):
        Path({"tau": np.ma.masked_array([0.0, 1.0], [False, True])})
    with pytest.raises(TypeError, match=r"states\['z'\] is a MaskedArray"):
        Path({"tau": np.zeros(2)}, {"z": np.ma.masked_array([0.0, 1.0], [False, True])})
    with pytest.raises(IndexError, match="index is 3; this path has 3"):
        example(states={"a": np.ones((3, 1)), "V": np.ones((3, 1, 2))}).network(3)
