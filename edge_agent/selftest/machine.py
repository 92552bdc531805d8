"""What the agent runs on, for reports: nothing that tells whose machine it is.

No names of hosts or users, no addresses, no paths.
"""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from edge_agent.csi import kernel
from edge_agent.learning import layer_kernel
from edge_agent.version import version

_DISTRIBUTIONS = ("numpy", "onnxruntime", "scapy", "paho-mqtt")
_PROCESSOR = ("model name", "Processor", "Hardware", "cpu model")
"""Keys in /proc/cpuinfo; each architecture has one of them, or none."""

_MB = 1_000_000


def versions() -> dict[str, str | None]:
    """Return the versions of what the agent consists of; None: not installed."""
    found: dict[str, str | None] = {
        "metaloc": version(),
        "python": platform.python_version(),
    }
    for name in _DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def machine(root: Path = Path("/")) -> dict[str, Any]:
    """Return processor, memory and system, in JSON values; None: not known.

    Args:
        root: Where proc and sys are mounted.
    """
    cpuinfo = _fields(_text(root / "proc" / "cpuinfo"))
    model = _text(root / "proc" / "device-tree" / "model").rstrip("\0\n")
    processor = next((cpuinfo[key] for key in _PROCESSOR if key in cpuinfo), None)
    if processor is None and "CPU part" in cpuinfo:  # aarch64 has no name for it
        processor = f"implementer {cpuinfo.get('CPU implementer')}, part "
        processor += cpuinfo["CPU part"]
    return {
        "architecture": platform.machine(),
        "python_bits": 64 if sys.maxsize > 1 << 32 else 32,
        "model": model or cpuinfo.get("Model"),
        "processor": processor,
        "cores": os.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MB,
        "kernel": f"{platform.system()} {platform.release()}",
        "libc": " ".join(platform.libc_ver()).strip() or None,
    }


def built() -> dict[str, Any]:
    """Return what was compiled, and what numpy multiplies matrices with."""
    config = np.show_config(mode="dicts")
    blas = (config or {}).get("Build Dependencies", {}).get("blas", {})
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "")
    return {
        "csi_kernel": kernel.AVAILABLE,
        "layer_kernel": list(layer_kernel.targets()),
        "blas": f"{blas.get('name')} {blas.get('version')}",
        "blas_threads": int(threads) if threads.isdecimal() else None,
    }


def process_status(key: str, root: Path = Path("/")) -> int | None:
    """Return a number from this process's status, e.g. ``VmHWM`` [kB] or ``Threads``.

    Not getrusage: its peak survives exec, so that a child begins with its parent's.
    """
    value = _fields(_text(root / "proc" / "self" / "status")).get(key, "")
    number = value.split()[:1]
    return int(number[0]) if number and number[0].isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _fields(text: str) -> dict[str, str]:
    """Return the ``key: value`` lines; of a key that is repeated the first."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and value.strip():
            fields.setdefault(key.strip(), value.strip())
    return fields
