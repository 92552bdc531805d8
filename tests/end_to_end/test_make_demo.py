"""`make demo` at a terminal, and Ctrl-C typed there."""

import os
import pty
import shutil
import sys

import pytest

from edge_agent.commands.demo import DEFAULT_PORT
from tests.brokers import find_program, is_listening
from tests.conftest import ROOT


def test_ctrl_c_at_a_terminal_ends_it_with_zero():
    """The kernel sends SIGINT to all that is in the foreground, make among it."""
    find_program("ps")
    if is_listening(DEFAULT_PORT):
        pytest.skip(f"needs port {DEFAULT_PORT}, which somebody uses")
    make = shutil.which("make")
    if make is None:
        pytest.skip("needs make")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        # What the environment needs is there: these tests run in it.
        os.execv(
            make, [make, f"VENV={sys.prefix}", "-o", f"{sys.prefix}/.demo", "demo"]
        )
    said = b""
    while b"access points  simulated" not in said:
        said += os.read(terminal, 4096)

    os.write(terminal, b"\x03")

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
    assert not is_listening(DEFAULT_PORT)
