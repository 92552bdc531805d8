"""Installed bundles: which one is in use, and which one was before.

    <state>/bundles/in-use.json     both, as JSON: current, previous
    <state>/bundles/<digest>/       a bundle, called by 16 digits of its digest
    <state>/bundles/.*              a lock, and leftovers of what was cut short

Another bundle is in use from the moment that in-use.json is renamed into its place, and
what it names is on the disk by then: a power cut leaves the one or the other.
"""

import contextlib
import fcntl
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_agent.arrays import sync_directory, write_atomically
from edge_agent.bundles.files import MANIFEST, SIGNATURE, BundleFiles
from edge_agent.config import SHIPPED_BUNDLE
from edge_agent.errors import BundleError

SHIPPED = "shipped"
"""What the bundle that comes with the program is called among the others."""

_RECORD = "in-use.json"
_LOCK = ".lock"
_MAX_RECORD = 4096
_NAME = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class InUse:
    """Names of bundles: `SHIPPED`, or 16 digits of a digest."""

    current: str = SHIPPED
    previous: str | None = None
    """To which one can return; None where there was none."""

    def __post_init__(self) -> None:
        for name in (self.current, self.previous or SHIPPED):
            if name != SHIPPED and not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a bundle")

    def followed_by(self, name: str) -> "InUse":
        """Return what is in use when another bundle is taken."""
        return self if name == self.current else InUse(name, self.current)


class BundleStore:
    """The bundles of one state directory."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "bundles"

    def in_use(self) -> InUse:
        """Return which bundle is in use; the shipped one where none was installed.

        Raises:
            BundleError: The record is damaged.
        """
        path = self.folder / _RECORD
        try:
            with path.open("rb") as file:
                document = json.loads(file.read(_MAX_RECORD))
            return InUse(str(document["current"]), document["previous"])
        except FileNotFoundError:
            return InUse()
        except OSError as error:
            raise BundleError(f"{path}: {error.strerror}") from error
        except (KeyError, RecursionError, TypeError, ValueError) as error:
            raise BundleError(
                f"{path} is damaged ({error}); install a bundle again: edge_agent "
                "bundle install DIR"
            ) from error

    def path(self, name: str) -> Path:
        """Return where a bundle is."""
        return SHIPPED_BUNDLE if name == SHIPPED else self.folder / name

    def names(self) -> list[str]:
        """Return the names of all installed bundles, whole or not."""
        if not self.folder.is_dir():
            return []
        return sorted(p.name for p in self.folder.iterdir() if _NAME.fullmatch(p.name))

    @contextlib.contextmanager
    def locked(self, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
        """Keep others from changing the store, or what its bundles learn of the sites.

        Args:
            on_wait: Called where somebody is at it, before waiting for their end; None:
                that is an error.

        Raises:
            BundleError: Somebody is at it, or it cannot be written.
        """
        with contextlib.ExitStack() as stack:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context((self.folder / _LOCK).open("wb"))
                _lock(file.fileno(), on_wait)
            except BlockingIOError as error:
                raise BundleError(
                    "another edge_agent bundle or adapt command is at work; wait for "
                    "its end"
                ) from error
            except OSError as error:
                raise self._cannot_write(error) from error
            yield

    def add(self, files: BundleFiles) -> str:
        """Copy a bundle into the store, and return its name.

        What is stored already is mended where it is damaged.

        Raises:
            BundleError: It cannot be written, or cannot be read back.
        """
        name = bundle_name(files.digest)
        contents = {**files.contents, MANIFEST: files.manifest}
        if files.signature is not None:
            contents[SIGNATURE] = files.signature
        try:
            if self.path(name).is_dir():
                _write(self.path(name), contents)
            else:
                self._place(name, contents)
        except OSError as error:
            raise self._cannot_write(error) from error
        BundleFiles.load(self.path(name), files.terms)
        return name

    def use(self, in_use: InUse) -> None:
        """Put other bundles in use.

        Raises:
            BundleError: It cannot be written; the ones in use stay so.
        """
        text = json.dumps(asdict(in_use), indent=2) + "\n"
        try:
            write_atomically(self.folder / _RECORD, text.encode())
        except OSError as error:
            raise self._cannot_write(error) from error

    def prune(self, in_use: InUse) -> list[str]:
        """Remove every other bundle, and leftovers; return the names of the former.

        What cannot be removed stays: it takes room and does no harm.
        """
        gone = [n for n in self.names() if n not in (in_use.current, in_use.previous)]
        leftovers = [p for p in self.folder.glob(".*") if p.name != _LOCK]
        for path in [*leftovers, *map(self.path, gone)]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return gone

    def _place(self, name: str, contents: dict[str, bytes]) -> None:
        """Write a bundle that is not there yet."""
        work = Path(tempfile.mkdtemp(prefix=".", dir=self.folder))
        try:
            _write(work, contents)
            work.chmod(0o755)
            work.rename(self.path(name))
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        sync_directory(self.folder)

    def _cannot_write(self, error: OSError) -> BundleError:
        return BundleError(
            f"cannot write to {self.folder}: {error.strerror}; choose another place "
            "with --state or model.state"
        )


def _lock(descriptor: int, on_wait: Callable[[], None] | None) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if on_wait is None:
            raise
        on_wait()
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def bundle_name(digest: str) -> str:
    """Return what a bundle is called in the store, and its calibrations after it."""
    return digest[:16]


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        write_atomically(folder / name, data)
