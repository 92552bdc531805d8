"""Stand-ins for onnxruntime that do to a process what the real one may."""

import os
from pathlib import Path

SEGFAULT = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
ABORT = "import os; os.abort()"
EXIT = "import os; os._exit(3)"
HANG = "import time; time.sleep(600)"
RAISE = "raise RuntimeError('compiled for another numpy')"
FINE = "__version__ = '9.9'"


def install(folder: Path, code: str) -> Path:
    """Write a package of that name and return the folder to import it from."""
    package = folder / "stand-in" / "onnxruntime"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(
        f"with open({str(folder / 'imports')!r}, 'a') as f: f.write('x')\n{code}\n"
    )
    return package.parent


def count_imports(folder: Path) -> int:
    """Tell how often the stand-in has been imported, by whomever."""
    path = folder / "imports"
    return path.stat().st_size if path.exists() else 0


def environment(folder: Path, cache: Path) -> dict[str, str]:
    """Environment variables of a process that finds the stand-in first."""
    return os.environ | {"PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(cache)}
