"""The points of the site file follow the shots: no shot, no point."""

from collections.abc import Iterable
from pathlib import Path

from edge_agent.site_file import add_point, read_site_file, remove_point
from edge_agent.survey import Point
from edge_agent.walking.label import ShotLabel
from edge_agent.walking.walk_store import WalkStore


def note_points(path: Path, shots: Iterable[ShotLabel]) -> None:
    """Add the points of shots that the site file does not know.

    A point that was typed and never shot was a slip, and is not among them.

    Args:
        path: The site file; made where there is none.
        shots: That count.

    Raises:
        ConfigError: The file cannot be read or written, or makes no sense with them.
    """
    known = {p.name for p in read_site_file(path).points} if path.exists() else set()
    for shot in shots:
        point = shot.stop.point
        if not point.is_outside and point.name not in known:
            add_point(path, point)
            known.add(point.name)


def drop_point(path: Path, point: Point, store: WalkStore) -> bool:
    """Remove a point that has no shot in any walk, as it was written by the agent.

    Args:
        path: The site file.
        point: Whose shot was forgotten.
        store: The site's walks.

    Returns:
        Whether it was removed; what people wrote stays.

    Raises:
        ConfigError: The file cannot be read or written.
        WalkError: A walk cannot be read.
    """
    shots = (shot for name in store.walks() for shot in store.read(name))
    if any(shot.stop.point.name == point.name for shot in shots):
        return False
    return remove_point(path, point)
