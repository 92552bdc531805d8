"""The check that old and new versions of ONNX Runtime are put to."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from edge_agent.bundles.bundle import ADAPT
from edge_agent.bundles.files import MANIFEST, manifest_text
from edge_agent.config import SHIPPED_BUNDLE
from scripts.graph_parity import main
from tests.conftest import ROOT

WHAT = rf"onnxruntime {onnxruntime.__version__}, numpy {np.__version__}"


def test_the_shipped_bundle_is_what_numpy_computes(capsys):
    assert main([str(SHIPPED_BUNDLE)]) == 0

    said = capsys.readouterr()
    assert re.fullmatch(
        rf"{WHAT}: one step and predictions differ by \S+e-0[678]\n", said.out
    )
    assert said.err == ""


def test_a_bundle_whose_step_is_another_is_refused(tmp_path, capsys):
    """Its graph scales the input otherwise; everything else is right, its sums too."""
    shutil.copytree(SHIPPED_BUNDLE, tmp_path / "bundle")
    document = json.loads((tmp_path / "bundle" / MANIFEST).read_text())
    model = onnx.load_from_string((SHIPPED_BUNDLE / ADAPT).read_bytes())
    changed = max(
        (c for c in model.graph.initializer if c.data_type == 1 and not c.dims),
        key=lambda c: float(numpy_helper.to_array(c)),
    )
    value = numpy_helper.to_array(changed) * np.float32(1.2)
    changed.CopyFrom(numpy_helper.from_array(np.asarray(value), changed.name))
    (tmp_path / "bundle" / ADAPT).write_bytes(model.SerializeToString())
    contents = {
        name: (tmp_path / "bundle" / name).read_bytes() for name in document["files"]
    }
    kept = {k: v for k, v in document.items() if k not in ("files", "schema")}
    (tmp_path / "bundle" / MANIFEST).write_text(manifest_text(kept, contents))

    assert main([str(tmp_path / "bundle")]) == 1

    said = capsys.readouterr()
    assert said.err.startswith("graph_parity: onnxruntime does not compute what numpy")
    assert said.out == ""


def test_a_bundle_that_is_none_is_an_error(tmp_path, capsys):
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"graph_parity: {tmp_path}")


@pytest.mark.parametrize("arguments", [[], ["a", "b"]])
def test_without_a_bundle_it_says_how_to_be_used(arguments, capsys):
    assert main(arguments) == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="1.16 has wheels up to 3.11"
)
def test_from_1_16_to_the_newest_onnxruntime_all_compute_the_same():
    done = subprocess.run(
        [ROOT / "scripts" / "onnxruntime_versions"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )

    if "No matching distribution found" in done.stderr:
        pytest.skip(f"needs PyPI: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    versions = re.findall(r"^onnxruntime (\S+),", done.stdout, re.MULTILINE)
    assert versions[:3] == ["1.16.3", "1.19.2", "1.23.2"]
    assert len(versions) == 4
