"""A back end in a process of its own: right, wrong, missing, crashing, hanging."""

import math
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from edge_agent.bundles.golden import Difference
from edge_agent.learning.backends import Backend
from edge_agent.selftest.measurement import Measurement
from edge_agent.selftest.processes import Result, Verdict, run_backend


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Another onnxruntime, real enough to be imported first."""

    def stand_in(text):
        folder = tmp_path / "stand-in"
        folder.mkdir()
        (folder / "onnxruntime.py").write_text(f"__version__ = '0'\n{text}")
        monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    return stand_in


SESSION = """
import os, signal, sys, time
class SessionOptions:
    def add_session_config_entry(self, *_): pass
def InferenceSession(*_, **__):
    {}
"""


def run(bundle, backend=Backend.ONNXRUNTIME, *, timeout_s=60.0, on_stage=None):
    return run_backend(
        bundle.files,
        backend,
        quick=True,
        timeout_s=timeout_s,
        on_stage=on_stage or (lambda _stage: None),
    )


def test_a_back_end_that_is_right_passes(bundle):
    stages = []

    result = run(bundle, Backend.NUMPY, on_stage=stages.append)

    assert (result.verdict, result.reason) == (Verdict.PASSED, "")
    assert not result.is_wrong
    assert stages == ["a step", "an adaptation"]
    assert 20 < result.measurement.peak_memory_mb < 100  # this process has more


def test_a_bundle_that_is_gone_by_then_is_unusable(bundle, tmp_path):
    files = replace(bundle.files, directory=tmp_path / "nowhere")

    result = run(replace(bundle, files=files), Backend.NUMPY)

    assert result.verdict is Verdict.UNUSABLE
    assert result.is_wrong
    assert "No such file or directory" in result.reason


def test_what_is_not_installed_is_no_fault(bundle, monkeypatch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys; sys.modules['onnxruntime'] = None"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    result = run(bundle)

    assert result.verdict is Verdict.ABSENT
    assert "onnxruntime is not installed" in result.reason
    assert not result.is_wrong


def test_an_import_that_crashes_is_no_fault_for_the_agent_knows(bundle, stand_in):
    stand_in("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")

    result = run(bundle)

    assert result.verdict is Verdict.ABSENT
    assert "crashes (SIGSEGV)" in result.reason


def test_a_process_that_crashes_is_told_by_its_signal(bundle, stand_in):
    stand_in(SESSION.format("os.kill(os.getpid(), signal.SIGSEGV)"))

    result = run(bundle)

    assert result.verdict is Verdict.CRASHED
    assert result.reason == "its process died of SIGSEGV"
    assert result.measurement == Measurement()


def test_a_process_that_ends_early_is_told_by_its_last_word(bundle, stand_in):
    stand_in(SESSION.format("sys.stderr.write('first\\nlast word\\n'); os._exit(7)"))

    result = run(bundle)

    assert result.verdict is Verdict.CRASHED
    assert result.reason == "its process ended with exit code 7: last word"


def test_a_process_that_ends_without_a_result_has_crashed(bundle, stand_in):
    stand_in(
        SESSION.format("print('{}'); print('[1'); sys.stdout.flush(); os._exit(0)")
    )

    result = run(bundle)

    assert result.verdict is Verdict.CRASHED
    assert result.reason == "its process ended with exit code 0: no word"


def test_a_process_that_hangs_is_ended(bundle, stand_in):
    stand_in(SESSION.format("time.sleep(600)"))
    began = time.monotonic()

    result = run(bundle, timeout_s=1)

    assert time.monotonic() - began < 30
    assert result.verdict is Verdict.HUNG
    assert result.reason == "no end within 1 s"


def test_an_interruption_ends_the_process(bundle, monkeypatch):
    def interrupt(_stage):
        raise KeyboardInterrupt

    started = []

    class Started(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr("edge_agent.selftest.processes.subprocess.Popen", Started)

    with pytest.raises(KeyboardInterrupt):
        run(bundle, Backend.NUMPY, on_stage=interrupt)

    assert [process.returncode for process in started] == [-signal.SIGKILL]


# -- verdicts --------------------------------------------------------------------------


def test_json_holds_null_where_there_is_no_number():
    measured = Measurement(
        differences=(
            Difference("loss", math.nan, 1e-5),
            Difference("statistics", 1e-6, 1e-5),
        )
    )

    document = Result(Backend.NUMPY, Verdict.WRONG, "x", measured).to_json()

    assert document["verdict"] == "wrong"
    assert document["golden"] == [
        {"quantity": "loss", "off_by": None, "allowed": 1e-5},
        {"quantity": "statistics", "off_by": 1e-6, "allowed": 1e-5},
    ]


@pytest.mark.parametrize(
    ("verdict", "is_wrong"),
    [
        (Verdict.PASSED, False),
        (Verdict.ABSENT, False),
        (Verdict.UNUSABLE, True),
        (Verdict.WRONG, True),
        (Verdict.CRASHED, True),
        (Verdict.HUNG, True),
    ],
)
def test_all_but_passed_and_not_available_is_worth_a_report(verdict, is_wrong):
    assert Result(Backend.NUMPY, verdict, "", Measurement()).is_wrong is is_wrong
