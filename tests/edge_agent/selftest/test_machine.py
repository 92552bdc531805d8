"""What a report says of a machine, and what it does not."""

import json
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_agent.csi import kernel
from edge_agent.learning import layer_kernel
from edge_agent.selftest.machine import built, machine, process_status, versions
from edge_agent.version import version

PI = {
    "proc/cpuinfo": (
        "processor\t: 0\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\n"
        "CPU part\t: 0xd08\n\nprocessor\t: 1\nCPU part\t: 0xd03\n\n"
        "Hardware\t:\nSerial\t\t: 10000000c0ffee\nModel\t\t: another name\n"
    ),
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
}


@pytest.fixture
def root(tmp_path):
    """A file system with other files below /proc."""

    def root(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return root


def test_versions_are_those_of_what_is_installed():
    found = versions()

    assert found["metaloc"] == version()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert list(found)[2:] == ["numpy", "onnxruntime", "scapy", "paho-mqtt"]


def test_what_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(
        "edge_agent.selftest.machine._DISTRIBUTIONS", ("numpy", "no-such-thing")
    )

    assert versions()["no-such-thing"] is None


def test_a_raspberry_pi_is_recognised(root):
    found = machine(root(PI))

    assert found["model"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert found["processor"] == "implementer 0x41, part 0xd08"


def test_a_machine_without_a_device_tree_has_the_model_of_its_processor_table(root):
    found = machine(root({"proc/cpuinfo": PI["proc/cpuinfo"]}))

    assert found["model"] == "another name"


def test_a_processor_with_a_name_has_that(root):
    found = machine(root({"proc/cpuinfo": "model name\t: AMD EPYC\nmodel name\t: X\n"}))

    assert found["processor"] == "AMD EPYC"
    assert found["model"] is None


def test_where_nothing_can_be_read_nothing_is_known(root):
    found = machine(root({}))

    assert found["processor"] is None
    assert found["model"] is None


def test_this_machine_is_as_the_system_says():
    found = machine()

    assert found["architecture"] == os.uname().machine
    assert found["kernel"] == f"Linux {os.uname().release}"
    assert 1 <= found["cores_usable"] <= found["cores"]
    assert found["python_bits"] in (32, 64)
    total_kb = process_memory_total()
    assert found["memory_mb"] == pytest.approx(total_kb * 1024 / 1e6, rel=0.01)


def process_memory_total():
    return int(Path("/proc/meminfo").read_text().split()[1])


def test_what_is_built_is_what_can_be_imported(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")

    found = built()

    assert found["csi_kernel"] is kernel.AVAILABLE
    assert tuple(found["layer_kernel"]) == layer_kernel.targets()
    assert found["blas_threads"] == 3
    assert "None" not in found["blas"]


@pytest.mark.parametrize("said", ["", "many"])
def test_threads_that_are_not_limited_are_not_known(monkeypatch, said):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", said)

    assert built()["blas_threads"] is None


def test_nothing_tells_whose_machine_it_is(root, monkeypatch, tmp_path):
    """Serial numbers, names and paths stay at home."""
    monkeypatch.setenv("HOME", str(tmp_path))

    text = json.dumps([versions(), machine(root(PI)), built()])

    for private in ("c0ffee", socket.gethostname(), str(tmp_path), sys.prefix):
        assert private not in text


# -- this process ----------------------------------------------------------------------


def test_the_peak_of_a_process_is_its_own():
    """getrusage would give a child the peak of the parent that started it."""
    ballast = np.ones(25_000_000)  # 200 MB here
    script = (
        "from edge_agent.selftest.machine import process_status\n"
        "print(process_status('VmHWM'))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert process_status("VmHWM") * 1024 > ballast.nbytes
    assert 10_000 < int(done.stdout) < 100_000


def test_a_status_that_is_not_there_or_no_number_is_not_known(root):
    there = root({"proc/self/status": "Name:\tpython\nThreads:\t7\n"})

    assert process_status("Threads", there) == 7
    assert process_status("VmHWM", there) is None
    assert process_status("Name", there) is None
