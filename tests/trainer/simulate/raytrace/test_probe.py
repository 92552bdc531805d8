"""Whether ray tracing works, and what to do if it does not."""

from pathlib import Path

import pytest

from trainer.simulate.raytrace.errors import Failure
from trainer.simulate.raytrace.probe import kernel_cache, probe


def test_a_tracer_that_traces_is_usable(stand_in):
    stand_in()

    found = probe()

    assert found.usable
    assert found.failure is None
    assert found.remedy == ""
    assert found.detail == "drjit 1.5.0, llvm 19.1.7, mitsuba 3.9.1, sionna-rt 2.2.0"
    assert found.versions["llvm"] == "19.1.7"


def test_a_tracer_that_aborts_says_so_and_what_to_do(stand_in):
    stand_in(rt="import os\nos.abort()")

    found = probe()

    assert not found.usable
    assert found.failure is Failure.ABORTED
    assert found.detail == "the ray tracer's process was ended by SIGABRT"
    assert "most often it is the LLVM: install LLVM 17 or newer" in found.remedy
    assert "apt-get install libllvm19), or set DRJIT_LIBLLVM_PATH" in found.remedy
    assert found.versions == {}


def test_a_tracer_that_takes_too_long_is_not_usable(stand_in):
    stand_in(rt="import time\ntime.sleep(60)")

    found = probe(timeout_s=1.0)

    assert found.failure is Failure.TIMED_OUT
    assert found.detail == "the ray tracer did not finish within 1 s"


def test_a_tracer_that_finds_nothing_in_an_empty_room_is_not_usable(stand_in):
    stand_in(rt="DEAF_BELOW_X_M = 99")

    found = probe()

    assert found.failure is Failure.RAISED
    assert found.detail == "nothing crosses an empty room"


def test_every_failure_has_its_own_name():
    assert [failure.slug for failure in Failure] == [
        "not-installed",
        "wrong-version",
        "no-llvm",
        "old-llvm",
        "aborted",
        "killed",
        "timed-out",
        "raised",
    ]


# -- the kernel cache ------------------------------------------------------------------


@pytest.fixture
def environment(monkeypatch):
    def put(**variables):
        for name in ("HOME", "DRJIT_CACHE_DIR"):
            monkeypatch.delenv(name, raising=False)
            if name in variables:
                monkeypatch.setenv(name, str(variables[name]))

    return put


def test_kernels_are_kept_at_home(environment, tmp_path):
    environment(HOME=tmp_path)

    assert kernel_cache() == tmp_path / ".drjit"


def test_kernels_are_kept_where_one_says(environment, tmp_path):
    environment(HOME="/proc", DRJIT_CACHE_DIR=tmp_path / "deep" / "down")

    assert kernel_cache() == tmp_path / "deep" / "down"


@pytest.mark.parametrize("home", [None, "/proc/nobody", __file__])
def test_kernels_are_not_kept_where_nothing_can_be_written(environment, home):
    environment(**({} if home is None else {"HOME": home}))

    assert kernel_cache() is None


def test_the_folder_is_not_made(environment, tmp_path):
    environment(HOME=tmp_path)

    kernel_cache()

    assert not Path(tmp_path, ".drjit").exists()
