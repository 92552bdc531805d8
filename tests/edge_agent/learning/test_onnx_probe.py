"""Importing onnxruntime is tried by processes that do die, and only once."""

import json
import os
import sys
from pathlib import Path

import pytest

from edge_agent.learning import onnx_probe
from edge_agent.learning.onnx_probe import default_cache, is_installed, probe
from tests.edge_agent import crashing


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a stand-in in front of the real onnxruntime, which nobody has imported."""
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)

    def install(code):
        monkeypatch.syspath_prepend(str(crashing.install(tmp_path, code)))

    return install


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "metaloc" / "onnxruntime.json"


@pytest.mark.parametrize(
    ("code", "harm"),
    [
        (crashing.SEGFAULT, "crashes (SIGSEGV)"),
        (crashing.ABORT, "crashes (SIGABRT)"),
        (crashing.EXIT, "ends the process with exit code 3"),
        (crashing.RAISE, ""),
        (crashing.FINE, ""),
    ],
)
def test_what_an_import_does_to_a_process_is_found_and_remembered(
    install, tmp_path, cache, code, harm
):
    install(code)

    first = probe(cache)
    n_imports = crashing.count_imports(tmp_path)
    again = probe(cache)

    assert first.harm == again.harm == harm
    assert first.remembered_in == again.remembered_in == cache
    assert n_imports == crashing.count_imports(tmp_path) == 1


def test_an_import_that_does_not_end_is_harm(install, cache):
    install(crashing.HANG)

    assert probe(cache, timeout_s=0.3).harm == "does not end within 0.3 s"


def test_another_version_is_tried_again(install, tmp_path, cache):
    install(crashing.ABORT)
    probe(cache)

    install(crashing.FINE)

    assert probe(cache).harm == ""
    assert crashing.count_imports(tmp_path) == 2


@pytest.mark.parametrize(
    "key", ["python", "machine", "cpu_files", "processors", "installed_ns"]
)
def test_a_verdict_about_anything_else_is_not_believed(install, tmp_path, cache, key):
    install(crashing.FINE)
    probe(cache)
    document = json.loads(cache.read_text())
    document["about"][key] = "another"
    document["harm"] = "crashes"
    cache.write_text(json.dumps(document))

    assert probe(cache).harm == ""
    assert crashing.count_imports(tmp_path) == 2


def test_whether_sys_can_be_read_is_part_of_the_verdict(install, cache, monkeypatch):
    """That is what the crash on aarch64 hangs on."""
    install(crashing.FINE)
    probe(cache)
    before = json.loads(cache.read_text())["about"]["cpu_files"]
    monkeypatch.setattr(onnx_probe, "_CPU_FILES", ("/nowhere/possible",))

    probe(cache)

    assert before == [os.access(path, os.R_OK) for path in CPU_FILES]
    assert json.loads(cache.read_text())["about"]["cpu_files"] == [False]


def test_what_the_processors_are_said_to_be_is_part_of_the_verdict(
    install, tmp_path, cache, monkeypatch
):
    """Under qemu-user /proc/cpuinfo may be that of the PC, and then it crashes."""
    install(crashing.FINE)
    said = tmp_path / "cpuinfo"
    monkeypatch.setattr(onnx_probe, "_PROCESSORS", said)
    probe(cache)
    nothing = json.loads(cache.read_text())["about"]["processors"]
    said.write_text("processor\t: 0\nBogoMIPS\t: 6\nCPU part\t: 0xd08\n" * 4)

    probe(cache)

    assert nothing == []
    assert json.loads(cache.read_text())["about"]["processors"] == ["CPU part\t: 0xd08"]
    assert crashing.count_imports(tmp_path) == 2


CPU_FILES = ("/sys/devices/system/cpu/possible", "/sys/devices/system/cpu/present")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"harm": ""}',
        b'{"about": 1, "harm": ""}',
        b" " * (1 << 17),
    ],
)
def test_nonsense_in_the_cache_costs_a_probe(install, tmp_path, cache, content):
    install(crashing.ABORT)
    cache.parent.mkdir(parents=True)
    cache.write_bytes(content)

    verdict = probe(cache)

    assert verdict.harm == "crashes (SIGABRT)"
    assert json.loads(cache.read_text())["harm"] == verdict.harm


@pytest.mark.parametrize("harm", [None, 7, "x" * 201])
def test_a_remembered_harm_that_is_no_sentence_costs_a_probe(
    install, tmp_path, cache, harm
):
    install(crashing.FINE)
    probe(cache)
    document = json.loads(cache.read_text()) | {"harm": harm}
    cache.write_text(json.dumps(document))

    assert probe(cache).harm == ""
    assert crashing.count_imports(tmp_path) == 2


def test_without_a_place_for_the_cache_every_start_tries(install, tmp_path):
    install(crashing.ABORT)
    (tmp_path / "file").touch()

    verdicts = [probe(tmp_path / "file" / "onnxruntime.json") for _ in range(2)]

    assert [v.harm for v in verdicts] == ["crashes (SIGABRT)"] * 2
    assert [v.remembered_in for v in verdicts] == [None, None]
    assert crashing.count_imports(tmp_path) == 2


def test_a_python_that_does_not_know_its_program_tries_nothing(
    install, cache, monkeypatch
):
    install(crashing.FINE)
    monkeypatch.setattr(sys, "executable", "")

    assert probe(cache).harm.startswith("cannot be tried: this Python does not know")


def test_a_program_that_is_gone_tries_nothing(install, cache, monkeypatch):
    install(crashing.FINE)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    assert probe(cache).harm == "cannot be tried: No such file or directory"


def test_the_child_imports_what_we_would_and_not_what_lies_in_the_current_folder(
    install, tmp_path, cache, monkeypatch
):
    install(crashing.FINE)
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "onnxruntime.py").write_text(crashing.ABORT)
    monkeypatch.chdir(trap)

    assert probe(cache).harm == ""


@pytest.mark.parametrize("number", [11, 40])
def test_signals_without_a_name_have_their_number(install, cache, number):
    install(f"import os; os.kill(os.getpid(), {number})")

    expected = "SIGSEGV" if number == 11 else "signal 40"
    assert probe(cache).harm == f"crashes ({expected})"


# -- where and whether -----------------------------------------------------------------


def test_the_verdict_is_in_the_user_s_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "metaloc" / "onnxruntime.json"


@pytest.mark.parametrize("value", [None, "", "relative/path"])
def test_by_default_that_is_below_home(monkeypatch, tmp_path, value):
    """As the XDG base directory specification has it: relative paths are ignored."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", value)

    assert default_cache() == tmp_path / ".cache" / "metaloc" / "onnxruntime.json"


def test_a_user_without_a_home_has_no_cache(install, tmp_path, monkeypatch):
    def homeless():
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    install(crashing.FINE)

    assert default_cache() is None
    assert probe().remembered_in is None


def test_what_is_not_to_be_imported_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    assert not is_installed()


def test_what_is_nowhere_is_not_installed(monkeypatch):
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})

    assert not is_installed()


def test_what_was_imported_by_hand_without_a_specification_is_not_installed(
    monkeypatch,
):
    monkeypatch.setitem(sys.modules, "onnxruntime", type(sys)("onnxruntime"))

    assert not is_installed()


def test_a_stand_in_is_installed(install):
    install(crashing.FINE)

    assert is_installed()
