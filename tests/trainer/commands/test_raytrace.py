"""``trainer raytrace``, through the command line.

sionna-rt is replaced by a tracer of free space; the command, the process and the files
are real.
"""

import json

import numpy as np
import pytest

from tests.trainer.builders import bytes_below
from tests.trainer.simulate.raytrace.stand_ins import write_stand_ins
from trainer.cli import main
from trainer.simulate.raytrace.tables import read_table, read_tables

QUICK = ["--samples", "10", "--depth", "1"]


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    def put(**more):
        folder = tmp_path / "stand_in"
        write_stand_ins(folder, **more)
        monkeypatch.setenv("PYTHONPATH", str(folder))

    return put


def scenarios(folder, *more):
    return main(["raytrace", "scenarios", str(folder), *QUICK, *more])


# -- probe -----------------------------------------------------------------------------


def test_probe_says_that_it_works(stand_in, capsys):
    stand_in()

    code = main(["raytrace", "probe"])

    assert code == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        "ray tracing works: drjit 1.5.0, llvm 19.1.7, mitsuba 3.9.1, sionna-rt 2.2.0"
    )


def test_probe_says_what_to_do(stand_in, capsys, monkeypatch):
    stand_in(drjit="detail.llvm_version = lambda: (15, 0, 7)")
    monkeypatch.delenv("DRJIT_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", "/proc/nobody")

    code = main(["raytrace", "probe"])

    assert code == 1
    assert capsys.readouterr().out.splitlines() == [
        "ray tracing does not work: LLVM 15.0.7 was found",
        "what to do: install LLVM 17 or newer (Debian, Ubuntu: apt-get install "
        "libllvm19), or set DRJIT_LIBLLVM_PATH to its libLLVM.so; older ones end the "
        "process",
        "kernels are compiled anew every time: make HOME writable, or set "
        "DRJIT_CACHE_DIR to a folder that is",
    ]


def test_probe_answers_programs(stand_in, capsys, monkeypatch, tmp_path):
    stand_in(version="2.1.0")
    monkeypatch.setenv("DRJIT_CACHE_DIR", str(tmp_path))

    code = main(["raytrace", "probe", "--json"])

    assert code == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer.pop("remedy").startswith("in the clone of MetaLoc: pip install")
    assert answer == {
        "usable": False,
        "failure": "wrong-version",
        "detail": "sionna-rt 2.1.0 is installed",
        "versions": {},
        "kernel_cache": str(tmp_path),
    }


# -- scenarios -------------------------------------------------------------------------


def test_all_six_are_written_one_by_one_and_together(stand_in, tmp_path, capsys):
    stand_in()
    out = tmp_path / "out"

    code = scenarios(out)

    names = [f"S{number}" for number in range(1, 7)]
    assert code == 0
    assert capsys.readouterr().out.splitlines() == [
        str(out / f"{name}.npz") for name in [*names, "scenarios"]
    ]
    tables = read_tables(out / "scenarios.npz")
    assert list(tables) == names
    for name, table in tables.items():
        own = read_table(out / f"{name}.npz")
        assert np.array_equal(own.rss_dbm, table.rss_dbm)
        assert table.settings["samples"] == 10
        assert table.settings["max_depth"] == 1
        # Friis, 2.44 GHz: 40.196 dB at 1 m.
        away = table.receivers[:, None] - table.access_points
        loss = 40.196 + 20 * np.log10(np.linalg.norm(away, axis=2))
        assert np.allclose(table.rss_dbm, 20 - loss, atol=0.01)


@pytest.mark.parametrize("only", [["S4", "S3", "S4"], ["S4,S3"], ["S4, S3", "S3"]])
def test_some_are_written_in_their_order_and_nothing_together(
    stand_in, tmp_path, capsys, only
):
    stand_in()

    code = scenarios(tmp_path / "out", "--only", *only)

    assert code == 0
    assert [path.split("/")[-1] for path in capsys.readouterr().out.split()] == [
        "S3.npz",
        "S4.npz",
    ]
    assert bytes_below(tmp_path / "out").keys() == {"S3.npz", "S4.npz"}


def test_the_seed_decides(stand_in, tmp_path):
    stand_in()
    for name, seed in (("first", "4"), ("again", "4"), ("other", "5")):
        scenarios(tmp_path / name, "--only", "S3", "--seed", seed)

    first, again, other = (
        bytes_below(tmp_path / name)["S3.npz"] for name in ("first", "again", "other")
    )
    assert first == again
    assert first != other


def test_what_is_finished_is_kept_when_a_run_goes_on(stand_in, tmp_path, capsys):
    stand_in()
    scenarios(tmp_path / "out", "--only", "S3")
    before = (tmp_path / "out" / "S3.npz").stat()
    capsys.readouterr()

    code = scenarios(tmp_path / "out", "--only", "S3", "S4")

    after = (tmp_path / "out" / "S3.npz").stat()
    assert code == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'out' / 'S4.npz'}\n"
    assert said.err.startswith(f"{tmp_path / 'out' / 'S3.npz'} is kept\n")
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_failure_leaves_what_was_finished_and_no_part(stand_in, tmp_path, capsys):
    mark = tmp_path / "once"
    stand_in(
        rt="def load_scene():\n"
        "    import os, pathlib\n"
        f"    mark = pathlib.Path({str(mark)!r})\n"
        "    if mark.exists():\n"
        "        os.abort()\n"
        "    mark.touch()\n"
        "    return Scene()"
    )

    code = scenarios(tmp_path / "out", "--only", "S3", "S4")

    assert code == 1
    assert bytes_below(tmp_path / "out").keys() == {"S3.npz"}
    assert "was ended by SIGABRT; most often it is the LLVM" in capsys.readouterr().err


def test_a_folder_that_cannot_be_is_said_before_anything_is_traced(
    stand_in, tmp_path, capsys
):
    stand_in(rt="def load_scene():\n    raise AssertionError('traced')")
    in_the_way = tmp_path / "file"
    in_the_way.touch()

    code = scenarios(in_the_way, "--only", "S3")

    assert code == 1
    assert f"cannot write to {in_the_way}: File exists" in capsys.readouterr().err


def test_receivers_without_paths_are_left_out_and_counted(stand_in, tmp_path, capsys):
    stand_in(rt="DEAF_BELOW_X_M = 0.6")

    code = scenarios(tmp_path / "out", "--only", "S4")

    # The first column of the grid: 0.5 m from the wall.
    table = read_table(tmp_path / "out" / "S4.npz")
    assert code == 0
    assert table.receivers[:, 0].min() > 0.6
    assert 10 < len(table.left_out) < 20
    assert f", {len(table.left_out)} without paths left out" in capsys.readouterr().err
    # And the run goes on from there.
    assert scenarios(tmp_path / "out", "--only", "S4") == 0
    assert "S4.npz is kept" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--seed", "1"], ["--samples", "11"]])
def test_what_is_of_another_run_is_not_taken_for_this_one(
    stand_in, tmp_path, capsys, flags
):
    stand_in()
    scenarios(tmp_path / "out", "--only", "S3")

    code = scenarios(tmp_path / "out", "--only", "S3", *flags)

    assert code == 1
    assert "was traced with another seed, other settings" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--depth", "--samples", "--threads"])
@pytest.mark.parametrize("value", ["0", "-3"])
def test_numbers_below_one_are_refused(tmp_path, capsys, flag, value):
    code = scenarios(tmp_path / "out", flag, value)

    assert code == 2
    assert capsys.readouterr().err == f"trainer: {flag} is {value}, not 1 or more\n"
    assert not (tmp_path / "out").exists()


def test_a_seed_that_is_too_large_is_refused(tmp_path, capsys):
    code = scenarios(tmp_path / "out", "--seed", str(1 << 32))

    assert code == 2
    assert "--seed is 4294967296, more than" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["castle"],
        ["scenarios"],
        ["scenarios", "out", "--only", "S7"],
        ["scenarios", "out", "--only", "S3,"],
        ["probe", "--timeout", "0"],
        ["probe", "--timeout", "soon"],
        ["probe", "--timeout", "inf"],
    ],
)
def test_a_command_that_means_nothing_is_a_usage_error(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(["raytrace", *arguments])

    assert caught.value.code == 2
    assert "usage: trainer raytrace" in capsys.readouterr().err


# -- golden ----------------------------------------------------------------------------


def test_the_golden_room_is_written(stand_in, tmp_path, capsys):
    stand_in()
    path = tmp_path / "golden.npz"

    code = main(["raytrace", "golden", str(path)])

    assert code == 0
    assert capsys.readouterr().out == f"{path}\n"
    with np.load(path) as stored:
        assert stored["response"].shape == (80, 3, 52)
