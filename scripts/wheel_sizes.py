"""Print the wheels of a folder: versions, what they need, how large they are.

    python scripts/wheel_sizes.py [--title TITLE] DIRECTORY

Installed size is that of the files in the wheel; the bytecode that pip compiles from
them comes on top.
"""

import argparse
import re
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_MANYLINUX = re.compile(r"manylinux_2_(\d+)_")
_LEGACY_MANYLINUX = {"manylinux1_": 5, "manylinux2010_": 12, "manylinux2014_": 17}
"""PEP 600."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """What a wheel's name and table of contents say."""

    name: str
    version: str
    tag: str
    """Python, ABI and platforms that it is for, as in its file name (PEP 427)."""

    packed_bytes: int
    installed_bytes: int
    n_native: int
    """Extension modules in C: none where a compiler was missing, or not wanted."""

    @classmethod
    def read(cls, path: Path) -> "Wheel":
        """Return what a wheel says of itself.

        Raises:
            ValueError: The file is not named as wheels are, or is no archive.
        """
        parts = path.stem.split("-")
        if path.suffix != ".whl" or len(parts) not in (5, 6):
            raise ValueError(
                f"{path.name} is not named NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl"
            )
        try:
            with zipfile.ZipFile(path) as archive:
                items = archive.infolist()
        except zipfile.BadZipFile as error:
            raise ValueError(f"{path.name} is no archive: {error}") from error
        return cls(
            parts[0],
            parts[1],
            "-".join(parts[-3:]),
            path.stat().st_size,
            sum(item.file_size for item in items),
            sum(item.filename.endswith(".so") for item in items),
        )

    @property
    def glibc_minor(self) -> int:
        """Return N of the oldest glibc 2.N that suffices; 0 for any, and for none.

        A wheel may list several platforms; each is enough.
        """
        platforms = self.tag.split("-")[2].split(".")
        needed = [
            int(match[1]) for name in platforms if (match := _MANYLINUX.match(name))
        ]
        needed += [
            minor
            for name in platforms
            for prefix, minor in _LEGACY_MANYLINUX.items()
            if name.startswith(prefix)
        ]
        return min(needed, default=0)


def report(title: str, wheels: Sequence[Wheel], *, together: bool) -> list[str]:
    """Return the lines that describe some wheels.

    Args:
        title: What they are for.
        wheels: In any order.
        together: They are installed together, so their sum says something.
    """
    if together and (glibc := max(wheel.glibc_minor for wheel in wheels)):
        title += f" (glibc 2.{glibc} or newer)"
    lines = [title, _line("package", "version", "download", "installed", "for")]
    for wheel in sorted(wheels, key=lambda wheel: (wheel.name.lower(), wheel.tag)):
        made_for = wheel.tag if together else f"{wheel.tag}, {wheel.n_native} in C"
        sizes = _megabytes(wheel.packed_bytes), _megabytes(wheel.installed_bytes)
        lines.append(_line(wheel.name, wheel.version, *sizes, made_for))
    if together:
        packed = sum(wheel.packed_bytes for wheel in wheels)
        installed = sum(wheel.installed_bytes for wheel in wheels)
        lines.append(_line("total", "", _megabytes(packed), _megabytes(installed), ""))
    return lines


def _line(name: str, version: str, packed: str, installed: str, tag: str) -> str:
    return f"  {name:<12} {version:<9} {packed:>9} {installed:>10}  {tag}".rstrip()


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.2f} MB"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, metavar="DIRECTORY")
    parser.add_argument(
        "--title", help="what they are for, installed together (default: each alone)"
    )
    args = parser.parse_args(arguments)
    try:
        wheels = [Wheel.read(path) for path in args.directory.glob("*.whl")]
        others = [p.name for p in args.directory.glob("*.tar.gz")]
    except (OSError, ValueError) as error:
        print(f"wheel_sizes: {error}", file=sys.stderr)
        return 1
    if not wheels or others:
        found = ", ".join(sorted(others)) or "nothing"
        print(
            f"wheel_sizes: {args.directory} holds {found}, expected wheels alone",
            file=sys.stderr,
        )
        return 1
    lines = report(args.title or "built here", wheels, together=bool(args.title))
    print(*lines, "", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
