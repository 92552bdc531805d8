"""Arrows between packages point to the device; the device runs without torch."""

import ast
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PACKAGES = ("edge_agent", "export", "trainer")

# Longest matching prefix wins. Absent means forbidden.
MAY_IMPORT = {
    "edge_agent.csi": {"edge_agent.csi", "numpy"},
    "edge_agent": {"edge_agent", "numpy"},
    # What is heavier, or under another licence, is imported by one module each.
    "edge_agent.live": {"edge_agent", "numpy", "scapy"},
    "edge_agent.learning.onnx_runtime": {"edge_agent", "numpy", "onnxruntime"},
    "edge_agent.publish": {"edge_agent", "paho"},
    "edge_agent.bundles.signatures": {"edge_agent", "cryptography"},
    "edge_agent.demo.broker": {"edge_agent", "amqtt"},
    "trainer": {"trainer", "edge_agent", "numpy", "scipy", "torch"},
    "trainer.benchmark.plots": {"trainer", "numpy", "matplotlib"},
    "trainer.figures.drawing": {"trainer", "numpy", "matplotlib"},
    "trainer.simulate": {"trainer.simulate", "trainer.errors", "edge_agent", "numpy"},
    "trainer.simulate.pathloss": {"trainer.simulate", "trainer.errors", "numpy"},
    "trainer.simulate.raytrace.worker": {
        "edge_agent",
        "numpy",
        "drjit",
        "mitsuba",
        "sionna",
    },
    "trainer.surveys": {"trainer", "edge_agent", "numpy"},
    "trainer.surveys.csu": {"trainer", "edge_agent", "openpyxl"},
    "trainer.surveys.hdf5": {"trainer", "numpy", "h5py"},
    "trainer.surveys.metaloc": {"trainer", "numpy", "PIL"},
    "export": {"export", "trainer", "edge_agent", "numpy", "onnx"},
    "export.rss_golden": {"export", "trainer", "edge_agent", "numpy", "torch"},
    "export.golden": {"export", "trainer", "edge_agent", "numpy", "torch"},
    "export.golden_autograd": {"export", "trainer", "edge_agent", "numpy", "torch"},
    "export.golden_clearance": {"export", "trainer", "edge_agent", "torch"},
}


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(
        ".__init__"
    )


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def within(module, prefix):
    return module == prefix or module.startswith(prefix + ".")


@pytest.mark.parametrize(
    "path",
    [p for name in PACKAGES for p in sorted((ROOT / name).rglob("*.py"))],
    ids=module_name,
)
def test_imports_follow_the_arrows(path):
    importer = max((p for p in MAY_IMPORT if within(module_name(path), p)), key=len)
    foreign = [
        m
        for m in imported_modules(path)
        if m.split(".")[0] not in sys.stdlib_module_names
    ]
    illegal = [
        m for m in foreign if not any(within(m, a) for a in MAY_IMPORT[importer])
    ]
    assert not illegal, f"{importer} must not import {illegal}"


@pytest.mark.parametrize(
    ("package", "absent"),
    [
        ("edge_agent", ["torch", "onnx", "openpyxl", "trainer", "export"]),
        ("edge_agent", ["cryptography"]),
        ("edge_agent.csi", ["onnxruntime", "paho", "scapy", "amqtt"]),
    ],
)
def test_device_code_imports_without(package, absent):
    """Import every module under ``package`` where ``absent`` cannot be imported."""
    modules = [
        module_name(p)
        for p in sorted((ROOT / package.replace(".", "/")).rglob("*.py"))
        if p.name != "__main__.py"
    ]
    script = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({absent!r}))\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
