"""Bundles: proven before they are put in their place, or not there at all."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from edge_agent.bundles.bundle import AdaptationDefaults, Bundle
from edge_agent.learning.network import Architecture
from export.adapt_graph import build_adapt_graph
from export.bundle_writer import ExportError
from export.predict_graph import build_predict_graph
from export.write_bundle import write_bundle
from tests.trainer.builders import (
    PAPER_NETWORK,
    SMALL,
    SMALL_NETWORK,
    bytes_below,
    checkpoint,
)


def names_below(folder):
    return sorted(path.name for path in folder.iterdir())


# -- a bundle --------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", [SMALL_NETWORK, PAPER_NETWORK])
def test_a_bundle_holds_what_the_checkpoint_holds(tmp_path, architecture):
    saved = checkpoint(
        architecture,
        adaptation=AdaptationDefaults(0.03, 9),
        training={"seed": 4, "simulated": True},
    )

    write_bundle(saved, tmp_path / "bundle", name="rooms-1")

    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.manifest.name == "rooms-1"
    assert bundle.manifest.spec == saved.spec
    assert bundle.manifest.architecture == architecture
    assert bundle.manifest.adaptation == AdaptationDefaults(0.03, 9)
    assert bundle.manifest.training == {"seed": 4, "simulated": True}
    assert bundle.parameters.keys() == saved.parameters.keys()
    for name, value in saved.parameters.items():
        np.testing.assert_array_equal(bundle.parameters[name], value)
    graph = build_predict_graph(architecture)
    assert bundle.files.contents["predict.onnx"] == graph.data
    assert bundle.manifest.predict_slots == graph.slots
    step = build_adapt_graph(architecture).SerializeToString(deterministic=True)
    assert bundle.files.contents["adapt.onnx"] == step


def test_the_bundle_that_was_written_is_returned(tmp_path):
    written = write_bundle(checkpoint(), tmp_path / "bundle", name="rooms-1")

    assert written.digest == Bundle.load(tmp_path / "bundle").digest


def test_nothing_but_the_bundle_is_left(tmp_path):
    write_bundle(checkpoint(), tmp_path / "bundle", name="rooms-1")

    assert names_below(tmp_path) == ["bundle"]
    assert names_below(tmp_path / "bundle") == [
        "adapt.onnx",
        "golden.npz",
        "manifest.json",
        "predict.onnx",
        "theta.npz",
    ]


def test_others_may_read_the_bundle(tmp_path):
    """The service on the device runs as another user than the one who copied it."""
    write_bundle(checkpoint(), tmp_path / "bundle", name="rooms-1")

    assert (tmp_path / "bundle").stat().st_mode & 0o777 == 0o755


def test_folders_on_the_way_are_made(tmp_path):
    write_bundle(checkpoint(), tmp_path / "out" / "models" / "bundle", name="rooms-1")

    Bundle.load(tmp_path / "out" / "models" / "bundle")


def test_the_same_checkpoint_gives_the_same_bytes(tmp_path):
    for name in ("first", "again"):
        write_bundle(checkpoint(), tmp_path / name, name="rooms-1")

    assert bytes_below(tmp_path / "first") == bytes_below(tmp_path / "again")


# -- parity ----------------------------------------------------------------------------


def test_graphs_of_another_network_are_refused(tmp_path, monkeypatch):
    """One that takes and gives the same, and scales its input otherwise."""
    other = Architecture(SMALL.shape, filters=(3, 4), pixel_mean=0.4, pixel_std=0.3)
    monkeypatch.setattr(
        "export.write_bundle.build_adapt_graph", lambda _: build_adapt_graph(other)
    )

    with pytest.raises(ExportError, match="onnxruntime does not compute what numpy"):
        write_bundle(checkpoint(), tmp_path / "bundle", name="x")

    assert names_below(tmp_path) == []


# -- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_exists_already_is_left_alone(tmp_path, kind):
    path = tmp_path / "bundle"
    path.mkdir() if kind == "folder" else path.write_text("mine")

    with pytest.raises(ExportError, match="exists already; remove it or choose"):
        write_bundle(checkpoint(), path, name="x")

    assert names_below(tmp_path) == ["bundle"]
    assert kind == "folder" or path.read_text() == "mine"


def test_a_parent_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ExportError, match=r"cannot write .*bundle: "):
        write_bundle(checkpoint(), tmp_path / "file" / "bundle", name="x")

    assert names_below(tmp_path) == ["file"]


def test_parameters_that_do_not_fit_leave_nothing_behind(tmp_path):
    saved = checkpoint()
    del saved.parameters["conv0.bias"]

    with pytest.raises(ExportError, match=r"parameters lack \['conv0.bias'\]"):
        write_bundle(saved, tmp_path / "bundle", name="x")

    assert names_below(tmp_path) == []


def test_an_interruption_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupt(_bundle):
        raise KeyboardInterrupt

    monkeypatch.setattr("export.write_bundle.check_parity", interrupt)

    with pytest.raises(KeyboardInterrupt):
        write_bundle(checkpoint(), tmp_path / "bundle", name="x")

    assert names_below(tmp_path) == []


def test_a_step_that_leads_nowhere_is_refused(tmp_path):
    saved = checkpoint(adaptation=AdaptationDefaults(1e39, 1))

    with pytest.raises(
        ExportError, match="the network does not adapt: none of 1 steps"
    ):
        write_bundle(saved, tmp_path / "bundle", name="x")

    assert names_below(tmp_path) == []


def test_a_disk_that_is_full_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(_path, _data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", fail)

    with pytest.raises(ExportError, match=r"cannot write .*bundle: No space left"):
        write_bundle(checkpoint(), tmp_path / "bundle", name="x")

    assert names_below(tmp_path) == []
