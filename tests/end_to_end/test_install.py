"""`make install` into folders of our own: command, kernels, and what comes along."""

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.builders import csi_payload, datagram, pcap
from tests.conftest import ROOT

LABORATORY = ("torch", "onnx", "openpyxl", "amqtt", "pytest")
SHIPPED = ("demo/data/walk.pcapng", "demo/data/bundle/manifest.json", "py.typed")


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The committed tree alone, as a person who cloned it has it."""
    clone = tmp_path_factory.mktemp("clone") / "metaloc"
    run("git", "clone", "--quiet", str(ROOT), str(clone))
    return clone


@pytest.fixture(scope="module")
def installed(clone, tmp_path_factory):
    """Folder of the link, and the environment it leads to."""
    folder = tmp_path_factory.mktemp("installed")
    places = {"PREFIX": str(folder / "opt"), "BIN": str(folder / "bin")}
    said = run("make", "install", cwd=clone, env=os.environ | places)
    assert f"as {folder / 'bin' / 'edge_agent'}" in said
    return folder


def python(installed, code):
    """What the installed interpreter prints, from a folder that holds no source."""
    program = installed / "opt" / "venv" / "bin" / "python"
    return run(str(program), "-c", code, cwd=installed).strip()


pytestmark = pytest.mark.slow


def test_the_command_works_from_anywhere(installed):
    path = installed / "walk.pcap"
    path.write_bytes(pcap([datagram(csi_payload())]))

    said = run(str(installed / "bin" / "edge_agent"), "frames", "--json", str(path))

    assert json.loads(said.splitlines()[0])["rssi_dbm"] is not None


def test_the_device_gets_no_laboratory(installed):
    found = python(
        installed,
        "import importlib.util as u\n"
        f"print(*[n for n in {LABORATORY!r} if u.find_spec(n)])",
    )

    assert found == ""


def test_the_kernels_are_built_where_they_can_be(installed):
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    can_be_built = shutil.which("cc") is not None and headers.exists()
    available = python(
        installed,
        "from edge_agent.learning import layer_kernel\n"
        "from edge_agent.csi import kernel\n"
        "print(kernel.AVAILABLE, layer_kernel.AVAILABLE)",
    )

    assert available == f"{can_be_built} {can_be_built}"


def test_model_and_walk_are_installed_with_it(installed):
    found = python(
        installed,
        "import edge_agent, pathlib\n"
        "root = pathlib.Path(edge_agent.__file__).parent\n"
        f"print(*[n for n in {SHIPPED!r} if (root / n).is_file()])",
    )

    assert found.split() == list(SHIPPED)


def test_installing_again_brings_it_up_to_date(clone, installed):
    places = {"PREFIX": str(installed / "opt"), "BIN": str(installed / "bin")}

    said = run("make", "install", cwd=clone, env=os.environ | places)

    assert "installed: " in said


def test_uninstalling_leaves_nothing_of_ours(clone, installed):
    places = {"PREFIX": str(installed / "opt"), "BIN": str(installed / "bin")}

    run("make", "uninstall", cwd=clone, env=os.environ | places)

    assert list((installed / "bin").iterdir()) == []
    assert not (installed / "opt").exists()
