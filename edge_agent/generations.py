"""Calibrations of a site, one after another: each whole, one in use, the last kept.

    <site>/calibrations/20261123T101500Z/    shots, history, calibrations of bundles
    <site>/calibrations/20261123T101500Z/before    what was in use when it came
    <site>/current -> calibrations/20261123T101500Z

One rename of the link puts another in use: whatever ends the agent, there is always one
that is whole. Sites of agents before that, and sites that were never changed, have
their files in the folder of the site itself; that one is called `ORIGINAL` here.
"""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_agent.arrays import sync_directory, write_atomically
from edge_agent.errors import CalibrationError

ORIGINAL = "original"
"""Name of what lies in the folder of the site itself."""

N_KEPT = 4
"""Calibrations that are kept: the one in use, and some to return to."""

_BEFORE = "before"
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Generations:
    """The calibrations of one site, for one kind of model."""

    site: Path
    prefix: str = ""
    """In front of the names that another kind of model has, too."""

    @property
    def _folder(self) -> Path:
        return self.site / f"{self.prefix}calibrations"

    @property
    def _link(self) -> Path:
        return self.site / f"{self.prefix}current"

    @property
    def active(self) -> str:
        """Name of the one in use."""
        try:
            target = str(self._link.readlink())
        except OSError:
            return ORIGINAL
        folder, _, name = target.rpartition("/")
        is_ours = folder == self._folder.name and _NAME.fullmatch(name)
        return name if is_ours and self.path(name).is_dir() else ORIGINAL

    @property
    def home(self) -> Path:
        """Where the files are that are in use."""
        return self.path(self.active)

    def path(self, name: str) -> Path:
        """Return where the files of one are."""
        return self.site if name == ORIGINAL else self._folder / name

    def names(self) -> list[str]:
        """Return those beside the original one, whole ones alone, oldest first."""
        if not self._folder.is_dir():
            return []
        return sorted(
            p.name
            for p in self._folder.iterdir()
            if _NAME.fullmatch(p.name) and p.is_dir()
        )

    def before(self, name: str) -> str | None:
        """Return which one was in use when one came; None where there was none.

        Args:
            name: As `names` has it, or `ORIGINAL`.
        """
        try:
            with (self.path(name) / _BEFORE).open(encoding="utf-8") as file:
                found = file.read(80).strip()
        except (OSError, UnicodeDecodeError):
            return None
        if name == ORIGINAL or (found != ORIGINAL and found not in self.names()):
            return None
        return found

    @contextlib.contextmanager
    def draft(self, name: str) -> Iterator[tuple[str, Path]]:
        """Write one; what is not finished leaves nothing behind.

        Args:
            name: What it is to be called; another of that name gets a number.

        Yields:
            The name that it gets, and the folder to write into, which is moved to its
            place at the end.

        Raises:
            CalibrationError: It cannot be written.
        """
        if not _NAME.fullmatch(name) or name == ORIGINAL:
            raise ValueError(f"{name!r} cannot be the name of a calibration")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix=".", dir=self._folder))
        except OSError as error:
            raise self._cannot_write(error) from error
        try:
            taken, number = name, 2
            while self.path(taken).exists():
                taken, number = f"{name}-{number}", number + 1
            yield taken, work
            write_atomically(work / _BEFORE, f"{self._in_use() or ''}\n".encode())
            work.chmod(0o755)
            work.rename(self.path(taken))
            sync_directory(self._folder)
        except OSError as error:
            raise self._cannot_write(error) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def activate(self, name: str) -> None:
        """Put one in use.

        Raises:
            CalibrationError: There is no such one, or the link cannot be written; the
                one in use stays so.
        """
        if name != ORIGINAL and name not in self.names():
            raise CalibrationError(
                f"site {self.site.name} has no calibration {name}; there are "
                f"{', '.join(self.names()) or 'none that were kept'}"
            )
        try:
            if name == ORIGINAL:
                self._link.unlink(missing_ok=True)
            else:
                self._point_at(name)
            sync_directory(self.site)
        except OSError as error:
            raise self._cannot_write(error) from error

    def prune(self) -> list[str]:
        """Remove all but the newest and the one in use, and leftovers; return names.

        What cannot be removed stays: it takes room and does no harm.
        """
        names = self.names()
        kept = {self.active, self.before(self.active), *names[-N_KEPT:]}
        gone = [name for name in names if name not in kept]
        for path in [*map(self.path, gone), *self._folder.glob(".*")]:
            shutil.rmtree(path, ignore_errors=True)
        return gone

    def _in_use(self) -> str | None:
        """Return what can be returned to later; None where nothing is there yet."""
        active = self.active
        is_empty = active == ORIGINAL and not any(self.site.glob("*.npz"))
        return None if is_empty else active

    def _point_at(self, name: str) -> None:
        # A link cannot be replaced; a rename over it can.
        work = Path(tempfile.mkdtemp(prefix=".current.", dir=self.site))
        try:
            link = work / "current"
            link.symlink_to(f"{self._folder.name}/{name}")
            link.replace(self._link)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _cannot_write(self, error: OSError) -> CalibrationError:
        return CalibrationError(
            f"cannot write to {self.site}: {error.strerror}; choose another place with "
            "--state or model.state"
        )
