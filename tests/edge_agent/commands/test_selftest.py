"""``edge_agent selftest``: what it prints for people and programs, and its code."""

import json
import re
import socket
from pathlib import Path

import pytest

from edge_agent.bundles.golden import Difference
from edge_agent.learning import layer_kernel
from edge_agent.learning.backends import Backend
from edge_agent.selftest.measurement import Measurement
from edge_agent.selftest.processes import Result, Verdict
from edge_agent.selftest.report import faults_of, without_home

FINE = Measurement(
    differences=(Difference("loss", 1e-7, 1e-5),),
    adaptation_s=1.234,
    n_steps=10,
    prediction_s=0.00056,
    peak_memory_mb=87.6,
    threads=1,
)


@pytest.fixture
def outcomes(monkeypatch):
    """Back ends that fare as told, without processes; the others pass."""

    def outcomes(**told):
        def run(_bundle, backend, *, on_stage, **_options):
            on_stage("a step")
            verdict, reason = told.get(str(backend), (Verdict.PASSED, ""))
            measured = FINE if verdict is Verdict.PASSED else Measurement()
            return Result(backend, verdict, reason, measured)

        monkeypatch.setattr("edge_agent.commands.selftest.run_backend", run)

    return outcomes


# -- the real thing --------------------------------------------------------------------


def test_this_machine_passes_with_the_shipped_bundle(run_agent, capsys):
    assert run_agent("selftest", "--quick", "--json") == 0

    out, err = capsys.readouterr()
    document = json.loads(out)
    assert err == ""
    assert document["passed"] is True
    assert document["bundle"]["kind"] == "csi"
    assert re.fullmatch("[0-9a-f]{64}", document["bundle"]["digest"])
    backends = document["backends"]
    assert list(backends) == ["kernel", "onnxruntime", "numpy"]
    built = layer_kernel.AVAILABLE
    assert backends["kernel"]["verdict"] == ("passed" if built else "not available")
    assert backends["numpy"]["verdict"] == "passed"
    assert backends["numpy"]["peak_memory_mb"] > 20
    assert backends["numpy"]["adaptation_s"] is None
    golden = {g["quantity"]: g for g in backends["numpy"]["golden"]}
    assert 0 < golden["parameters after a step"]["off_by"] < 1e-5
    assert document["used"].keys() == {"adapting", "predicting"}
    assert set(document["used"].values()) <= backends.keys()


def test_one_back_end_can_be_tried_alone(run_agent, capsys, bundle_directory):
    code = run_agent(
        "selftest", "--backend", "numpy", "--bundle", bundle_directory, "--json"
    )

    document = json.loads(capsys.readouterr().out)
    assert code == 0
    assert list(document["backends"]) == ["numpy"]
    assert document["bundle"]["name"] == "tiny-1"
    assert document["backends"]["numpy"]["n_steps"] == 3
    assert document["backends"]["numpy"]["adaptation_s"] > 0


# -- for people ------------------------------------------------------------------------


def test_people_get_a_table(run_agent, capsys, outcomes):
    outcomes(kernel=(Verdict.ABSENT, "the C kernel was not built"))

    assert run_agent("selftest") == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("versions  metaloc ")
    at = next(i for i, line in enumerate(lines) if line.startswith("back end"))
    titles = ["back end", "result", "adapts", "locates", "memory", "threads", "used"]
    assert re.split("  +", lines[at]) == titles
    assert re.match(r"kernel +not available( +-){4}( |$)", lines[at + 1])
    assert re.fullmatch(r"numpy +passed +1\.23 s +0\.56 ms +88 MB +1.*", lines[at + 3])
    assert lines[at + 4] == "(adapts: 30 shots, 10 steps; locates: one image)"
    assert lines[at + 5] == "kernel: the C kernel was not built"
    assert lines[-1] == "passed: this machine computes what the bundle's author did"


@pytest.mark.parametrize(
    ("backend", "estimator", "rows", "locates"),
    [
        ("numpy", "network", {"numpy": "adapting and predicting"}, "its network"),
        ("numpy", "neighbours", {"numpy": "adapting and predicting"}, "neighbours in"),
        (
            *("onnxruntime", "network"),
            *({"onnxruntime": "adapting and predicting", "numpy": ""}, "its network"),
        ),
        (
            *("onnxruntime", "auto"),  # of the shipped bundle: neighbours
            {"onnxruntime": "adapting", "numpy": "predicting"},
            "neighbours in numpy, which the golden task does not try",
        ),
    ],
)
def test_the_table_says_what_is_used_for_what(
    run_agent, capsys, outcomes, tmp_path, backend, estimator, rows, locates
):
    outcomes()
    config = tmp_path / "agent.toml"
    config.write_text(f'[model]\nbackend = "{backend}"\nestimator = "{estimator}"\n')

    run_agent("selftest", "--config", config)

    out = capsys.readouterr().out
    found = dict(re.findall(r"^(\w+) +passed .*?(?:  for (.*))?$", out, re.MULTILINE))
    assert {name: found[name] for name in rows} == rows
    assert re.search(rf"^bundle .*, locates with {locates}", out, re.MULTILINE)


def test_progress_is_shown_to_who_watches(run_agent, capsys, outcomes, monkeypatch):
    outcomes()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    run_agent("selftest")

    err = capsys.readouterr().err
    assert "1/3 kernel: starting" in err
    assert "3/3 numpy: a step" in err


# -- what is wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict.WRONG, "loss: off by 0.3, allowed 1e-05"),
        (Verdict.CRASHED, "its process died of SIGSEGV"),
        (Verdict.HUNG, "no end within 300 s"),
        (Verdict.UNUSABLE, "onnxruntime refuses the bundle's graph"),
    ],
)
def test_a_back_end_to_avoid_is_named(run_agent, capsys, outcomes, verdict, reason):
    outcomes(onnxruntime=(verdict, reason))

    assert run_agent("selftest") == 1

    lines = capsys.readouterr().out.splitlines()
    assert lines[-2] == f"FAILED: onnxruntime ({verdict}): {reason}"
    assert lines[-1] == (
        'Avoid it for now: backend = "kernel" below [model] in the configuration '
        "(edge_agent config), and report this output."
    )


def test_the_advice_names_a_back_end_that_passed(run_agent, capsys, outcomes):
    outcomes(
        kernel=(Verdict.CRASHED, "its process died of SIGILL"),
        onnxruntime=(Verdict.ABSENT, "onnxruntime is not installed"),
    )

    assert run_agent("selftest") == 1

    assert 'backend = "numpy"' in capsys.readouterr().out


def test_where_nothing_passes_the_bundle_is_suspected(run_agent, capsys, outcomes):
    outcomes(**{str(b): (Verdict.WRONG, "loss: off by 1") for b in Backend})

    assert run_agent("selftest") == 1

    out = capsys.readouterr().out
    assert out.count("FAILED: ") == 3
    assert "install MetaLoc and the bundle again" in out


def test_a_bundle_for_one_back_end_has_no_others_to_try():
    wrong = Result(Backend.NUMPY, Verdict.WRONG, "loss: off by 1", Measurement())

    lines = faults_of({"name": "x"}, [wrong], asked=None)

    assert lines[0] == "FAILED: numpy (wrong): loss: off by 1"
    assert lines[1].startswith("No back end can be relied on")


def test_what_was_asked_for_must_be_there(run_agent, capsys, outcomes):
    outcomes(kernel=(Verdict.ABSENT, "the C kernel was not built"))

    assert run_agent("selftest", "--backend", "kernel") == 1

    out = capsys.readouterr().out
    assert "FAILED: kernel (not available): the C kernel was not built" in out
    assert "Try the others: edge_agent selftest, without --backend." in out


def test_programs_are_told_too(run_agent, capsys, outcomes):
    outcomes(numpy=(Verdict.WRONG, "loss: off by nan, allowed 1e-05"))

    assert run_agent("selftest", "--json") == 1

    document = json.loads(capsys.readouterr().out)
    assert document["passed"] is False
    assert document["backends"]["numpy"]["verdict"] == "wrong"
    assert document["backends"]["numpy"]["reason"] == "loss: off by nan, allowed 1e-05"
    assert document["backends"]["kernel"]["verdict"] == "passed"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_damaged_bundle_is_said_to_be(
    run_agent, capsys, bundle_directory, tmp_path, as_json
):
    for path in bundle_directory.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "theta.npz").write_bytes(b"nothing")

    code = run_agent("selftest", "--bundle", tmp_path, *["--json"] * as_json)

    out = capsys.readouterr().out
    assert code == 1
    assert "theta.npz has 7 bytes, the manifest says" in out
    if as_json:
        assert json.loads(out)["backends"] == {}
    else:
        assert "no back end was tried" in out
        assert "Copy or install the bundle again" in out


def test_a_bundle_without_a_golden_task_proves_nothing(
    run_agent, capsys, bundle, tmp_path
):
    from edge_agent.bundles.files import manifest_text

    kept = {k: v for k, v in bundle.files.contents.items() if k != "golden.npz"}
    document = bundle.manifest.to_document()
    for name, data in kept.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "manifest.json").write_text(manifest_text(document, kept))

    code = run_agent("selftest", "--bundle", tmp_path, "--backend", "numpy")

    assert code == 1
    assert "manifest.json does not list golden.npz" in capsys.readouterr().out


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_a_time_out_that_is_no_time_makes_no_sense(run_agent, capsys, seconds):
    assert run_agent("selftest", "--timeout", seconds) == 2

    assert "--timeout is" in capsys.readouterr().err


def test_a_back_end_must_be_one(run_agent, capsys):
    with pytest.raises(SystemExit) as exit_:
        run_agent("selftest", "--backend", "auto")

    assert exit_.value.code == 2


# -- discretion ------------------------------------------------------------------------


def test_nothing_private_is_printed(run_agent, capsys, outcomes, home, monkeypatch):
    """A damaged bundle below the home directory, and a reason that names a file."""
    outcomes(numpy=(Verdict.CRASHED, f"ImportError: {home}/venv/numpy.so"))
    caution = f"{home}/state: cannot be used"
    load = "edge_agent.commands.selftest.load_files"
    from edge_agent.bundles.model_in_use import load_files

    def load_with_caution(model, *, on_caution):
        on_caution(caution)
        return load_files(model, on_caution=on_caution)

    monkeypatch.setattr(load, load_with_caution)
    run_agent("selftest")
    run_agent("selftest", "--json")
    run_agent("selftest", "--bundle", home / "bundle")

    said = "".join(capsys.readouterr())
    assert "ImportError: ~/venv/numpy.so" in said
    assert "caution: ~/state: cannot be used" in said
    assert "FAILED: ~/bundle/manifest.json: No such file" in said
    for private in (str(home), str(Path.home()), socket.gethostname()):
        assert private not in said


def test_a_home_at_the_root_is_no_secret(monkeypatch):
    monkeypatch.setenv("HOME", "/")

    assert without_home("/opt/bundle") == "/opt/bundle"
