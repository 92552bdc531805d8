"""Traced signal strengths on disk, and those that come with the package."""

from dataclasses import fields, replace

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays
from trainer.simulate.raytrace.errors import NoPathsError, TableError
from trainer.simulate.raytrace.process import Settings
from trainer.simulate.raytrace.scenarios import NAMES, scenario
from trainer.simulate.raytrace.tables import (
    SCHEMA,
    SCHEMA_OF_SEVERAL,
    Table,
    read_table,
    read_tables,
    table_of,
    write_table,
    write_tables,
)
from trainer.simulate.raytrace.trace import Trace


@pytest.fixture
def table(make_layout, rng):
    layout = make_layout(receivers=rng.uniform(0.1, 2.9, (5, 3)))
    response = rng.normal(size=(5, 1, 4)).astype(np.complex64)
    traced = Trace(response, np.ones((5, 1), np.int32), {"llvm": "19.1.7"}, 1.0)
    return table_of(layout, traced, seed=3, settings=Settings(seed=3))


def assert_same(one, other):
    for field in fields(Table):
        mine, theirs = (getattr(table, field.name) for table in (one, other))
        assert np.array_equal(mine, theirs), field.name


def test_a_table_holds_what_was_traced_at_twenty_dbm(table):
    assert table.power_dbm == 20
    assert table.size_m == (6.0, 5.0, 3.0)
    assert table.settings["max_depth"] == 3
    assert table.versions == {"llvm": "19.1.7"}
    assert table.rss_dbm.shape == (5, 1)


def test_receivers_that_do_not_hear_every_access_point_are_left_out(make_layout):
    layout = make_layout(
        receivers=np.array([[1.0, 2.0, 1.0], [2.0, 2.0, 1.0], [3.0, 2.0, 1.0]]),
        access_points=np.array([[1.0, 1.0, 2.0], [2.0, 1.0, 2.0]]),
    )
    response = np.ones((3, 2, 4), np.complex64)
    response[1, 1] = 0
    traced = Trace(response, np.ones((3, 2), np.int32), {}, 1.0)

    table = table_of(layout, traced, seed=0, settings=Settings())

    assert table.left_out == [1]
    assert table.receivers[:, 0].tolist() == [1.0, 3.0]
    assert (table.rss_dbm == 20).all()


def test_a_layout_that_nobody_hears_has_no_table(make_layout):
    traced = Trace(
        np.ones((1, 1, 4), np.complex64), np.zeros((1, 1), np.int32), {}, 1.0
    )

    with pytest.raises(
        NoPathsError, match="cellar: no receiver hears all access points"
    ):
        table_of(make_layout(), traced, seed=0, settings=Settings())


def test_a_table_comes_back_as_it_was_written(table, tmp_path):
    write_table(tmp_path / "deep" / "one.npz", table)

    assert_same(read_table(tmp_path / "deep" / "one.npz"), table)


def test_several_tables_come_back_as_they_were_written(table, tmp_path):
    other = replace(table, name="attic", rss_dbm=table.rss_dbm - 3)

    write_tables(tmp_path / "all.npz", [table, other])

    tables = read_tables(tmp_path / "all.npz")
    assert list(tables) == ["cellar", "attic"]
    assert_same(tables["cellar"], table)
    assert_same(tables["attic"], other)


def test_the_same_table_gives_the_same_bytes(table, tmp_path):
    for name in ("one", "again"):
        write_table(tmp_path / name, table)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "again").read_bytes()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            {"rss_dbm": np.zeros((4, 1), np.float32)},
            r"rss_dbm is float32 \(4, 1\), not",
        ),
        (
            {"receivers": np.zeros((5, 3))},
            r"receivers is float64 \(5, 3\), not float32",
        ),
        (
            {"access_points": np.zeros((1, 2), np.float32)},
            r"access_points is float32 \(1, 2\), not float32 \(1, 3\)",
        ),
        ({"rss_dbm": np.full((5, 1), np.inf, np.float32)}, "holds what is no number"),
        ({"left_out": 3}, "left_out is 3, not a list of receivers"),
        ({"left_out": ["0"]}, r"left_out is \['0'\], not"),
        ({"left_out": [6]}, r"left_out is \[6\], not"),
    ],
)
def test_a_table_that_does_not_fit_together_is_refused(table, changes, complaint):
    with pytest.raises(TableError, match=f"cellar: .*{complaint}"):
        replace(table, **changes)


def test_a_table_that_does_not_fit_together_is_refused_with_its_file(table, tmp_path):
    path = tmp_path / "one.npz"
    header = {f.name: getattr(table, f.name) for f in fields(table)}
    arrays = {name: header.pop(name) for name in ("receivers", "access_points")}
    arrays["rss_dbm"] = np.zeros((2, 2), np.float32)
    del header["rss_dbm"]
    path.write_bytes(pack_arrays({"schema": SCHEMA} | header, arrays))

    with pytest.raises(TableError, match=f"{path}: cellar: rss_dbm is"):
        read_table(path)


def test_a_size_that_is_none_is_refused(table, tmp_path):
    path = tmp_path / "one.npz"
    header = {f.name: getattr(table, f.name) for f in fields(table)} | {"size_m": 6}
    arrays = {n: header.pop(n) for n in ("receivers", "access_points", "rss_dbm")}
    path.write_bytes(pack_arrays({"schema": SCHEMA} | header, arrays))

    with pytest.raises(TableError, match=f"{path}: .*; trace it anew"):
        read_table(path)


@pytest.mark.parametrize("scenarios", [None, 3, ["S1"], [{}], [{"name": 1}]])
def test_a_file_of_several_says_which(tmp_path, scenarios):
    path = tmp_path / "six.npz"
    header = {"schema": SCHEMA_OF_SEVERAL, "scenarios": scenarios}
    path.write_bytes(pack_arrays(header, {}))

    with pytest.raises(TableError, match=f"{path} does not say which scenarios"):
        read_tables(path)


def test_a_file_with_something_missing_is_refused(tmp_path):
    path = tmp_path / "one.npz"
    header = {"schema": SCHEMA, "name": "S1"}
    path.write_bytes(pack_arrays(header, {"rssi": np.zeros(3, np.float32)}))

    with pytest.raises(TableError, match=r"lacks access_points, carrier_hz, .* rssi;"):
        read_table(path)


@pytest.mark.parametrize("read", [read_table, read_tables])
def test_what_is_no_file_of_tables_is_refused(tmp_path, read):
    path = tmp_path / "one.npz"
    with pytest.raises(TableError, match=f"cannot read {path}: No such file"):
        read(path)
    path.write_bytes(b"PK\x03\x04 what follows is no archive")
    with pytest.raises(TableError, match=f"{path} is damaged .*; trace it anew"):
        read(path)
    path.write_bytes(pack_arrays({"schema": "other/1"}, {}))
    with pytest.raises(TableError, match="has schema 'other/1', expected"):
        read(path)


def test_a_file_that_cannot_be_written_is_refused(table, tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.touch()

    with pytest.raises(TableError, match="cannot write"):
        write_table(in_the_way / "one.npz", table)


# -- what comes with the package -------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    return read_tables()


def test_six_scenarios_come_with_the_package(shipped):
    assert tuple(shipped) == NAMES
    for table in shipped.values():
        assert table.versions.keys() == {"sionna-rt", "mitsuba", "drjit", "llvm"}
        assert table.seed == table.settings["seed"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_they_are_those_of_the_layouts(shipped, name):
    table, layout = shipped[name], scenario(name)

    kept = np.delete(layout.receivers, table.left_out, axis=0).astype(np.float32)
    assert np.array_equal(table.receivers, kept)
    assert len(table.left_out) <= 2
    assert np.array_equal(table.access_points, layout.access_points.astype(np.float32))
    assert table.size_m == tuple(layout.size_m)
    assert table.carrier_hz == layout.carrier_hz


@pytest.mark.parametrize("name", NAMES)
def test_their_signal_strengths_are_possible(shipped, name):
    """Near an access point as in free space; far away seldom far above it."""
    table = shipped[name]
    away = table.receivers[:, None] - table.access_points
    distance = np.linalg.norm(away, axis=2)
    # 40.196 dB at 1 m and 2.44 GHz.
    free_space = 20 - 40.196 - 20 * np.log10(distance)

    excess = table.rss_dbm - free_space

    near = distance < 1.2
    assert near.sum() > 5
    assert abs(np.median(excess[near])) < 2
    # n paths of equal strength that happen to be in phase add 20 lg n: eight do hardly.
    assert np.percentile(excess, 99) < 13
    assert excess.max() < 18
    assert table.rss_dbm.min() > -95
