"""ONNX Runtime where it is, where it is not, and where it kills."""

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from edge_agent.errors import BackendError, BundleError
from edge_agent.learning.onnx_runtime import NotInstalledError, Session, load
from tests.conftest import ROOT
from tests.edge_agent import crashing


@pytest.fixture
def doubling():
    """A graph: y = x + x, z = -x."""
    nodes = [
        helper.make_node("Add", ["x", "x"], ["y"]),
        helper.make_node("Neg", ["x"], ["z"]),
    ]
    x, y, z = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xyz"
    )
    graph = helper.make_graph(nodes, "doubling", [x], [y, z])
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def test_what_is_imported_already_is_not_tried_again(tmp_path):
    cache = tmp_path / "cache.json"

    assert load(cache) is onnxruntime
    assert not cache.exists()


def test_what_is_missing_is_told_how_to_get(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    with pytest.raises(NotInstalledError, match=r"pip install '.\[edge\]'"):
        load()


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)

    def install(code):
        monkeypatch.syspath_prepend(str(crashing.install(tmp_path, code)))

    yield install
    sys.modules.pop("onnxruntime", None)


def test_what_crashes_is_not_imported_and_why_is_said(stand_in, tmp_path):
    stand_in(crashing.SEGFAULT)
    cache = tmp_path / "cache.json"

    with pytest.raises(BackendError) as caught:
        load(cache)

    assert str(caught.value) == (
        "importing onnxruntime crashes (SIGSEGV) on this machine; choose another back "
        f"end, or delete {cache} to have it tried again"
    )
    assert not isinstance(caught.value, NotInstalledError)


def test_where_nothing_can_be_remembered_there_is_nothing_to_delete(stand_in, tmp_path):
    stand_in(crashing.ABORT)
    (tmp_path / "file").touch()

    with pytest.raises(BackendError, match=r"choose another back end$"):
        load(tmp_path / "file" / "cache.json")


def test_what_raises_is_not_used_and_why_is_said(stand_in, tmp_path):
    stand_in(crashing.RAISE)

    with pytest.raises(BackendError, match="cannot be imported: compiled for another"):
        load(tmp_path / "cache.json")


# -- sessions --------------------------------------------------------------------------


def test_outputs_have_names(doubling):
    session = Session(doubling, "some.onnx")
    x = np.array([1, 2], np.float32)

    assert {k: v.tolist() for k, v in session.run({"x": x}).items()} == {
        "y": [2, 4],
        "z": [-1, -2],
    }
    assert session.run({"x": x}, ["z"]).keys() == {"z"}


@pytest.mark.parametrize("graph", [b"", b"no graph"])
def test_a_graph_that_is_none_is_refused(graph):
    with pytest.raises(
        BundleError, match=r"onnxruntime [0-9.]+ refuses the bundle's graph some.onnx"
    ):
        Session(graph, "some.onnx")


@pytest.mark.parametrize("feeds", [{}, {"x": np.zeros(3, np.float32)}])
def test_a_graph_that_takes_something_else_is_refused(doubling, feeds):
    session = Session(doubling, "some.onnx")

    with pytest.raises(BundleError, match=r"cannot run the bundle's graph some\.onnx"):
        session.run(feeds)


def test_a_process_keeps_to_one_thread(doubling):
    """No pool that spins: threads of the operating system are counted."""
    script = (
        "import os, sys, numpy as np\n"
        "from edge_agent.learning.onnx_runtime import Session, load\n"
        "load()\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "session = Session(sys.stdin.buffer.read(), 'x')\n"
        "session.run({'x': np.ones(2, np.float32)})\n"
        "print(len(os.listdir('/proc/self/task')) - before)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], input=doubling, capture_output=True, cwd=ROOT
    )

    assert done.stdout == b"0\n", done.stderr


def test_an_agent_whose_onnxruntime_crashes_goes_on_and_says_so_once(
    bundle_directory, state, tmp_path
):
    """With a real crash, in the real program, twice: found first, then remembered."""
    folder = crashing.install(tmp_path, crashing.SEGFAULT)
    script = (
        "import sys\n"
        "import edge_agent.learning.layer_kernel as kernel\n"
        "kernel.AVAILABLE = False\n"
        "from edge_agent.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    adapt = ["adapt", "--bundle", bundle_directory, "--state", state]

    def agent(*arguments):
        return subprocess.run(
            [sys.executable, "-c", script, *adapt, *arguments],
            cwd=ROOT,
            env=crashing.environment(folder, tmp_path / "cache"),
            capture_output=True,
            text=True,
        )

    first, again = agent(), agent()
    insisting = agent("--backend", "onnxruntime")

    for done in (first, again):
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("importing onnxruntime crashes (SIGSEGV)") == 1
        assert "is calibrated: 3 points" in done.stdout
    assert crashing.count_imports(tmp_path) == 1
    assert insisting.returncode == 1
    assert insisting.stderr.splitlines()[-1].startswith(
        "edge_agent: importing onnxruntime crashes (SIGSEGV) on this machine; choose"
    )
