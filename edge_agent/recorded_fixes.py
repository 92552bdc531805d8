"""The locations of recorded captures: what `locate` prints and `evaluate` judges."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edge_agent.errors import CaptureError
from edge_agent.pipeline import Fix, SitePipeline
from edge_agent.sources import FileSource

_SUFFIXES = (".pcap", ".pcapng", ".cap")


def recorded_fixes(
    pipeline: SitePipeline[Any],
    source: FileSource,
    on_loss: Callable[[str], None] = lambda _loss: None,
) -> Iterator[Fix]:
    """Yield the locations of one capture; it shares no packet with the one before.

    Args:
        pipeline: Of the site; its windows are empty again afterwards.
        source: The capture.
        on_loss: Called at the end with each thing that was lost on the way.

    Raises:
        CaptureError: It cannot be read.
    """
    newest_ns = 0
    for raw in source.packets(lambda: pipeline.frames_until_due):
        if raw is not None and len(raw):
            newest_ns = int(raw.time_ns[-1])
            yield from pipeline.feed(raw, source.kind(newest_ns))
    yield from pipeline.finish(source.kind(newest_ns))
    for reason, n in source.losses().most_common():
        on_loss(f"{source.name}: {n} {reason}")


def captures_in(path: Path) -> list[Path]:
    """Return the captures that a path stands for: itself, or a folder's, by name.

    Raises:
        CaptureError: A folder without any.
    """
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES)
    if not found:
        raise CaptureError(
            f"{path} has no captures: no file whose name ends with "
            f"{', '.join(_SUFFIXES)}"
        )
    return found
