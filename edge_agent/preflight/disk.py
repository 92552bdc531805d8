"""Whether a walk can be kept: room on the disk, and the right to write there."""

import errno
import os
import pwd
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edge_agent.csi.image import ImageSpec
from edge_agent.preflight.finding import Finding, caution, ok, stop
from edge_agent.walking.kept_packets import TIMES_NEEDED

RESERVE_BYTES = 4 << 20
"""What is left over for the calibration that follows the walk: three images each of
97 points are 2.3 MB."""

_PROBE_BYTES = 4096
_FILES_PER_SHOT = 2
_LONGEST_RECORD = 1200  # an 80 MHz frame with its pcap header: 1 122 bytes


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """What a state directory can take."""

    folder: Path
    """Where things are to be kept; need not exist yet."""

    exists: Path
    """The folder itself, or the nearest one above that exists."""

    error: int = 0
    """Why a file could not be written and synced there (errno); 0: it could."""

    free_bytes: int = 0
    """Room for this user [bytes]."""

    free_files: int | None = None
    """How many files more; None where the file system has no limit."""

    owner: str = ""
    """Whose it is."""

    user: str = ""
    """Who we are."""


def read_disk(folder: Path) -> DiskFacts:
    """Write, sync and remove a small file where a folder is or would be made.

    Args:
        folder: Nothing is made there but that file.
    """
    exists = _nearest(folder.absolute())
    free = os.statvfs(exists)
    return DiskFacts(
        folder,
        exists,
        _probe(exists),
        free.f_bavail * free.f_frsize,
        free.f_favail if free.f_files else None,
        _name(exists.stat().st_uid),
        _name(os.geteuid()),
    )


def planned_bytes(n_shots: int, spec: ImageSpec) -> int:
    """Return what so many shots take at most [bytes].

    That is with as many access points as images have room for, all at their most
    packets in the largest format; strangers on the channel can bring more.

    Args:
        n_shots: Of the walk.
        spec: What an image looks like.
    """
    per_shot = TIMES_NEEDED * spec.n_packets * spec.n_channels * _LONGEST_RECORD
    return n_shots * (per_shot + _FILES_PER_SHOT * _PROBE_BYTES)


def check_disk(facts: DiskFacts, *, plan_bytes: int = 0) -> list[Finding]:
    """Return what keeps a walk from being stored, or that nothing does.

    Args:
        facts: Of the state directory.
        plan_bytes: What the walk will take at most [bytes].
    """
    where = str(facts.exists)
    if facts.error in (errno.ENOSPC, errno.EDQUOT):
        return [_full(facts, plan_bytes)]
    if facts.error == errno.EROFS:
        return [
            stop(
                "disk-read-only",
                f"{where} is on a read-only file system; shots are kept there",
                f"sudo mount -o remount,rw {_mount_point(facts.exists)} (a card that "
                "made itself read-only is failing: dmesg), or another place: --state",
            )
        ]
    if facts.error in (errno.EACCES, errno.EPERM):
        return [
            stop(
                "disk-not-ours",
                f"{where} belongs to {facts.owner} and cannot be written as "
                f"{facts.user}",
                f"sudo chown -R {facts.user} {where}, or another place: --state",
            )
        ]
    if facts.error == errno.ENOTDIR:
        return [
            stop(
                "disk-not-a-folder",
                f"{where} is no folder, so {facts.folder} cannot be made",
                "move it away, or another place: --state",
            )
        ]
    if facts.error:
        return [
            stop(
                "disk-error",
                f"{where} cannot be written: {os.strerror(facts.error)}",
                "dmesg tells what is wrong with the disk; another place: --state",
            )
        ]
    if facts.free_bytes < plan_bytes + RESERVE_BYTES or facts.free_files == 0:
        return [_full(facts, plan_bytes)]
    if facts.free_bytes < 2 * (plan_bytes + RESERVE_BYTES):
        return [
            caution(
                "disk-nearly-full",
                f"{_mb(facts.free_bytes)} left on {where}; this walk takes up to "
                f"{_mb(plan_bytes)}, the next may find no room",
                "remove what is not needed, or another place: --state",
            )
        ]
    return [ok("disk", f"{_mb(facts.free_bytes)} free on {where}")]


def _full(facts: DiskFacts, plan_bytes: int) -> Finding:
    found = f"{_mb(facts.free_bytes)} left on {facts.exists}"
    if facts.free_files == 0:
        found = f"no more files can be made on {facts.exists} (inodes)"
    is_full = bool(facts.error) or facts.free_files == 0
    return stop(
        "disk-full",
        f"{'the disk is full' if is_full else 'too little room on the disk'}: {found}; "
        "this walk needs up to "
        f"{_mb(plan_bytes + RESERVE_BYTES)}",
        f"remove what is not needed (df -h {facts.exists}), or another place: --state",
    )


def _nearest(folder: Path) -> Path:
    """Return what can be seen of a path; where more is hidden, nothing can be made."""
    exists = Path(folder.anchor)
    for path in (*reversed(folder.parents), folder):
        try:
            path.stat()
        except OSError:
            break
        exists = path
    return exists


def _probe(folder: Path) -> int:
    """Return why a file cannot be kept in a folder (errno), or 0."""
    if not folder.is_dir():
        return errno.ENOTDIR
    try:
        with tempfile.NamedTemporaryFile(
            dir=folder, prefix=".metaloc-", buffering=0
        ) as file:
            n_written = file.write(bytes(_PROBE_BYTES))
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno or errno.EIO
    return 0 if n_written == _PROBE_BYTES else errno.ENOSPC


def _mount_point(path: Path) -> Path:
    while not path.is_mount():
        path = path.parent
    return path


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _mb(n_bytes: int) -> str:
    if n_bytes < 100_000:
        return f"{n_bytes / 1e3:.0f} kB"
    if n_bytes < 100_000_000:
        return f"{n_bytes / 1e6:.1f} MB"
    return f"{n_bytes / 1e9:.1f} GB"
