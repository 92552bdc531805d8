"""Disks that are full or read-only, for who may mount them."""

import os
import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def small_disk(folder, *, kib=64):
    """A file system in memory with so much room, mounted on a new folder.

    Args:
        folder: Where; is made.
        kib: Its size; pages of 4 KiB count.
    """
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small disk")
    folder.mkdir(parents=True)
    options = ["-t", "tmpfs", "-o", f"size={kib}k", "tmpfs"]
    done = subprocess.run(["mount", *options, folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def make_read_only(disk):
    """From now on nothing can be written on a disk."""
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)


def make_writable(disk):
    """Undo that."""
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


def fill(disk, *, but=0):
    """Fill a disk, but for so many bytes."""
    free = os.statvfs(disk)
    (disk / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize - but))
