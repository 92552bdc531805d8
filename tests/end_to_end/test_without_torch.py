"""Every command of the agent where the laboratory is not: no torch, onnx or trainer.

Quickly with this interpreter, in which they cannot be imported and whatever tries is
noted; slowly with the wheel and its extra `edge` in a virtual environment of their own.
"""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.end_to_end.commands import COMMANDS, work

LABORATORY = ("torch", "onnx", "trainer", "export", "scipy", "sklearn", "h5py")
SITECUSTOMIZE = f"""\
import os, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {LABORATORY!r}:
            with open(os.environ["METALOC_TEST_ATTEMPTS"], "a") as file:
                file.write(name + "\\n")
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def agent_of(program, environment, folder):
    """A function that runs the agent and returns what it printed."""

    def agent(*arguments):
        done = subprocess.run(
            [*map(str, program), *map(str, arguments)],
            cwd=folder,
            env=environment | {"HOME": str(folder)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return agent


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """A folder where all commands work, so that sites are calibrated once."""
    return tmp_path_factory.mktemp("workshop")


# -- with this interpreter -------------------------------------------------------------


@pytest.fixture
def shielded(tmp_path):
    """An environment whose Python processes, and theirs, have no laboratory."""
    (tmp_path / "shield").mkdir()
    (tmp_path / "shield" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    path = os.pathsep.join([str(tmp_path / "shield"), str(ROOT)])
    attempts = str(tmp_path / "attempts")
    return os.environ | {"PYTHONPATH": path, "METALOC_TEST_ATTEMPTS": attempts}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_works_without_the_laboratory(
    command, shielded, tmp_path, workshop
):
    if command == "demo":
        pytest.importorskip("amqtt", reason="needs amqtt, the broker of the demo")
    agent = agent_of([sys.executable, "-m", "edge_agent"], shielded, workshop)

    work(command, agent, workshop)

    assert not (tmp_path / "attempts").exists(), (tmp_path / "attempts").read_text()


@pytest.mark.parametrize("name", LABORATORY)
def test_the_shield_keeps_out_what_it_should(name, shielded, tmp_path):
    """Also from a process that another one starts."""
    script = (
        "import subprocess, sys\n"
        f"sys.exit(subprocess.run([sys.executable, '-c', 'import {name}']).returncode)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        env=shielded,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert f"No module named '{name}'" in done.stderr
    assert (tmp_path / "attempts").read_text() == f"{name}\n"


# -- with the wheel alone --------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The agent of a virtual environment with the wheel and its extra alone."""
    folder = tmp_path_factory.mktemp("wheel")

    def run(*command):
        done = subprocess.run(
            list(map(str, command)), cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    # From the committed tree, as a person who cloned it has it.
    run("git", "clone", "--quiet", ROOT, folder / "clone")
    run(sys.executable, "-m", "venv", folder / "venv")
    pip = [folder / "venv" / "bin" / "python", "-m", "pip", "--quiet"]
    wheels = folder / "wheels"
    run(*pip, "wheel", "--no-deps", "--wheel-dir", wheels, folder / "clone")
    (wheel,) = wheels.glob("metaloc-*.whl")
    run(*pip, "install", f"{wheel}[edge]")
    return folder / "venv" / "bin" / "edge_agent"


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"demo"}))
def test_every_command_works_from_the_wheel(command, installed, workshop):
    work(command, agent_of([installed], dict(os.environ), workshop), workshop)


@pytest.mark.slow
def test_from_the_wheel_every_back_end_passes(installed, tmp_path):
    agent = agent_of([installed], dict(os.environ), tmp_path)

    printed = agent("selftest")

    assert printed.splitlines()[-1].startswith("passed: ")
    assert "onnxruntime  passed" in printed


@pytest.mark.slow
def test_the_demonstration_says_what_it_needs(installed, tmp_path):
    """Its broker is no part of what a device needs."""
    done = subprocess.run(
        [installed, "demo", "--once"], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "needs amqtt, which is not installed" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", LABORATORY[:2])
def test_the_wheel_brings_no_laboratory(name, installed, tmp_path):
    done = subprocess.run(
        [installed.with_name("python"), "-c", f"import {name}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert f"No module named '{name}'" in done.stderr
