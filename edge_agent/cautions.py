"""What a person should know about a site's shots before trusting what they teach."""

import numpy as np
import numpy.typing as npt

from edge_agent.site_model import Shots

_MAX_NAMED = 3


def cautions(shots: Shots, *, n_asked: int) -> list[str]:
    """Return sentences about shots that promise more than they can teach.

    Outside nothing need be heard; else it is as a point.

    Args:
        shots: Of a site.
        n_asked: Shots that each point should have.
    """
    n_points = len(shots.points)
    of_point = shots.point_of == np.arange(n_points)[:, None]  # (n_points, n)
    said = []
    if shots.is_simulated:
        said.append(
            "these shots are simulated, or of a transmitter whose address is reserved "
            "for simulations (02:53:49:4d...): every location will say source: "
            "simulated, and a broker on another machine gets none without "
            "--allow-simulated"
        )
    inside = np.array([not point.is_outside for point in shots.points], np.bool_)
    if not (of_point[inside] @ shots.heard > 0).all(axis=0).any():
        said.append(
            "no access point is heard at every point: locations may tell which one was "
            "heard and nothing more"
        )
    if not shots.has_level:
        said.append(
            "the firmware sends no RSSI, so that the level, which tells places apart "
            "best, is lost (docs/accuracy.md)"
        )
    few = of_point.sum(axis=1) < n_asked
    if few.any():
        said.append(
            f"fewer than {n_asked} shots: {_names(shots, few)}; longer recordings have "
            "more"
        )
    single = np.array(
        [len(set(shots.visit_of[rows].tolist())) < 2 for rows in of_point]
    )
    if n_asked > 1 and single.any():
        said.append(
            f"all shots from one recording: {_names(shots, single)}; the next visit "
            "will look different, so record each point on several laps"
        )
    return said


def _names(shots: Shots, chosen: npt.NDArray[np.bool_]) -> str:
    if chosen.all():
        return "all points"
    names = [p.name for p, is_one in zip(shots.points, chosen, strict=True) if is_one]
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return f"point {', '.join(names[:_MAX_NAMED])}{more}"
