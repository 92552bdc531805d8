"""Whether importing onnxruntime would kill the process, tried in one that may die.

On some aarch64 systems the import ends in a segmentation fault: its library for
processor features does not find /sys/devices/system/cpu/possible or present, as in
sandboxes (onnxruntime issue 10038, cpuinfo issue 76), or finds a /proc/cpuinfo that is
of another processor, as under qemu-user on a PC. No exception tells of it. So another
process imports it first, once: what became of that is remembered in the user's cache,
until onnxruntime, Python, the machine or what it says of its processors is another.

    $XDG_CACHE_HOME/metaloc/onnxruntime.json      (default ~/.cache)
      about    what is remembered about: a change of any of it asks again
      harm     how the other process died; empty where it did not
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from edge_agent.arrays import write_atomically

NAME = "onnxruntime"

_TIMEOUT_S = 60.0
"""Enough for a slow card; reading 60 MB takes a Raspberry Pi some seconds."""

_MAX_BYTES = 1 << 16
_MAX_HARM = 200
_CPU_FILES = ("/sys/devices/system/cpu/possible", "/sys/devices/system/cpu/present")

_PROCESSORS = Path("/proc/cpuinfo")
_PROCESSOR_KEYS = ("vendor_id", "model name", "CPU implementer", "CPU part")

_SURVIVED = "survived"
_SCRIPT = f"""\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
try:
    import {NAME}
except BaseException:
    pass
print("{_SURVIVED}")
"""
"""An exception is no harm: it can be caught, and is where it is imported next."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a probe found."""

    harm: str
    """What the import does to a process, as words after "importing onnxruntime"; empty
    where it does none."""

    remembered_in: Path | None
    """File to delete so that the next start asks again; None where there is none."""


def is_installed() -> bool:
    """Tell whether there is something of that name to import."""
    return _spec() is not None


def probe(cache: Path | None = None, *, timeout_s: float = _TIMEOUT_S) -> Verdict:
    """Return what importing onnxruntime does to a process.

    Args:
        cache: Where that is remembered; by default in the user's cache directory. That
            it cannot be read or written, or holds nonsense, costs a probe.
        timeout_s: After which it counts as harm [s].
    """
    path = cache or default_cache()
    about = _about()
    if path is not None and (known := _recall(path, about)) is not None:
        return Verdict(known, path)
    harm = _try(timeout_s)
    return Verdict(harm, path if path and _remember(path, about, harm) else None)


def default_cache() -> Path | None:
    """Return where the verdict is remembered; None for a user without a home."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    try:
        folder = Path(root) if Path(root).is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        return None
    return folder / "metaloc" / f"{NAME}.json"


def _spec() -> Path | None:
    """Return the file that would be imported."""
    if NAME in sys.modules and sys.modules[NAME] is None:
        return None
    try:
        spec = find_spec(NAME)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _about() -> dict[str, object]:
    """Return everything that a verdict depends on, in JSON values."""
    path = _spec()
    stat = path.stat() if path else None
    system = os.uname()
    return {
        "file": str(path),
        "size": stat.st_size if stat else 0,
        "installed_ns": stat.st_mtime_ns if stat else 0,
        "python": sys.version,
        "machine": [system.machine, system.nodename, system.release],
        "cpu_files": [os.access(name, os.R_OK) for name in _CPU_FILES],
        "processors": _processors(),
    }


def _processors() -> list[str]:
    """Return what kinds of processors there are said to be."""
    try:
        with _PROCESSORS.open("rb") as file:
            text = file.read(_MAX_BYTES).decode(errors="replace")
    except OSError:
        return []
    return sorted({x for x in text.splitlines() if x.startswith(_PROCESSOR_KEYS)})[:64]


def _try(timeout_s: float) -> str:
    if not sys.executable:
        return "cannot be tried: this Python does not know its own program"
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _SCRIPT, json.dumps(sys.path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"ORT_DISABLE_TELEMETRY": "1"},
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"does not end within {timeout_s:g} s"
    except OSError as error:
        return f"cannot be tried: {error.strerror}"
    if done.returncode < 0:
        return f"crashes ({_signal_name(-done.returncode)})"
    if not done.stdout.decode(errors="replace").endswith(f"{_SURVIVED}\n"):
        return f"ends the process with exit code {done.returncode}"
    return ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _recall(path: Path, about: dict[str, object]) -> str | None:
    """Return the harm that is remembered, or None where nothing is that holds."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        document = json.loads(data) if len(data) <= _MAX_BYTES else None
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("about") != about:
        return None
    harm = document.get("harm")
    return harm if isinstance(harm, str) and len(harm) <= _MAX_HARM else None


def _remember(path: Path, about: dict[str, object], harm: str) -> bool:
    text = json.dumps({"about": about, "harm": harm}, indent=2, sort_keys=True) + "\n"
    try:
        write_atomically(path, text.encode())
    except OSError:
        return False
    return True
