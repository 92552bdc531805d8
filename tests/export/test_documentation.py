"""docs/graphs.md: what it says is so."""

import re

import numpy as np
import onnx
import pytest

from edge_agent.bundles.bundle import ADAPT, PREDICT
from edge_agent.learning.network import Architecture
from edge_agent.rss.network import RssArchitecture
from export.adapt_graph import build_adapt_graph
from export.predict_graph import build_predict_graph
from export.rss_graphs import build_rss_adapt_graph, build_rss_predict_graph
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "graphs.md").read_text(encoding="utf-8")
CSI, RSS = TEXT.split("## Of received power")
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_example_comes_to_what_autograd_has(monkeypatch, capsys):
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
    monkeypatch.chdir(ROOT)
    variables = {}

    exec(compile(EXAMPLE, "docs/graphs.md", "exec"), variables)

    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3
    for line in printed[1:]:
        assert float(line.split()[-1]) < 1e-4
    adapted = variables["golden"]["expected.adapted"]
    assert np.abs(variables["probabilities"] - adapted).max() < 1e-4
    assert np.abs(adapted - 1 / 3).max() > 0.1  # and not because all is alike


def named(text):
    """The names in code in the rows of tables, with every layer's number as <i>."""
    rows = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    return set(re.findall(r"`([\w.<>]+)`", rows))


def names_of(values):
    """Names of a graph's values; new.<parameter> is one."""
    numbered = (re.sub(r"(?<=[a-z])\d+\.", "<i>.", value.name) for value in values)
    return {re.sub(r"^new\..*", "new.<parameter>", name) for name in numbered}


def table(text, graph):
    """The rows below, or beginning with, the name of a graph."""
    kept, is_inside = [], False
    for line in text.splitlines():
        is_inside = line.startswith("|") and (is_inside or line[2:].startswith(graph))
        if is_inside:
            kept.append(line)
    return "\n".join(kept)


def test_every_input_and_output_of_the_image_graphs_is_described():
    architecture = Architecture((3, 50, 52))
    predict = onnx.load_from_string(build_predict_graph(architecture).data)
    for name, model in (
        (f"`{ADAPT}`", build_adapt_graph(architecture)),
        (f"`{PREDICT}`", predict),
    ):
        described = named(table(CSI, name)) - {name.strip("`"), "theta.npz"}
        values = [*model.graph.input, *model.graph.output]
        assert names_of(values) == described


def test_every_input_and_output_of_the_received_power_graphs_is_described():
    architecture = RssArchitecture()
    assert architecture.n_inputs == 15
    for name, model in (
        (f"`{ADAPT}`", build_rss_adapt_graph(architecture)),
        (f"`{PREDICT}`", build_rss_predict_graph(architecture)),
    ):
        (row,) = (line for line in RSS.splitlines() if line.startswith(f"| {name}"))
        values = [*model.graph.input, *model.graph.output]
        parameters = {"layer<i>.weight", "layer<i>.bias"}
        assert names_of(values) - parameters == named(row) - {name.strip("`")}
        assert all(f"`{parameter}`" in RSS for parameter in parameters)
