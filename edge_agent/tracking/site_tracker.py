"""The tracker that a configuration and a site's files ask for."""

from collections.abc import Callable, Sequence

from edge_agent.config import AgentConfig
from edge_agent.errors import ConfigError
from edge_agent.site_file import SITE_FILE, Wall, read_site_file
from edge_agent.survey import Point
from edge_agent.tracking.tracker import Tracker


def make_tracker(
    config: AgentConfig, points: Sequence[Point], *, on_caution: Callable[[str], None]
) -> Tracker | None:
    """Return what follows a device at a site; None where it is configured not to.

    Args:
        config: Site, and how people walk there.
        points: Of the site's calibration, in its order.
        on_caution: Called when the walls cannot be read; people walk through them then.
    """
    if not config.tracking.enabled:
        return None
    walls: tuple[Wall, ...] = ()
    path = config.model.site_path(config.site.name) / SITE_FILE
    if path.exists():
        try:
            walls = read_site_file(path).walls
        except ConfigError as error:
            on_caution(f"{error}; until it is mended, people walk through walls")
    return Tracker(points, config.tracking, walls)
