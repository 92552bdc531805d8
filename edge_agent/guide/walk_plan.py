"""What a new walk is to be: which points, how many laps and shots."""

from dataclasses import dataclass
from pathlib import Path

from edge_agent.bundles.bundle import Bundle
from edge_agent.csi.image import Channel
from edge_agent.errors import CalibrationError, UsageError
from edge_agent.guide.recorded_site import RecordedSite
from edge_agent.guide.skin import Skin
from edge_agent.guide.sparse_points import expected_of, past_of, worth_walking_to
from edge_agent.site_file import read_site_file
from edge_agent.site_state import SiteState, load_calibration
from edge_agent.survey import OUTSIDE, Point
from edge_agent.walking.plan import WalkPlan

ALL = "all"
DEFAULT_LAPS = 3


@dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody asks a walk to be."""

    laps: int | None = None
    """None: three, or as many as a recording has if that is less."""

    shots: int = 1
    """In each visit."""

    points: int | str | None = None
    """So many, or `ALL`; None: see `plan_walk`."""

    outside: bool = False
    """Whether everywhere else is visited as well."""


def plan_walk(
    wishes: Wishes,
    *,
    bundle: Bundle,
    site: SiteState,
    site_file: Path,
    recorded: RecordedSite | None,
    skin: Skin,
) -> WalkPlan:
    """Return the plan of a new walk.

    Its points are those of the recording; else of the site file; else of the
    calibration in use; else they are typed as one goes. Of a site with a past a walk
    that is taken now goes to those that are worth the way, unless told otherwise.

    Args:
        wishes: What is asked for.
        bundle: The model.
        site: Its files.
        site_file: With points, if it is there.
        recorded: What is walked through; None: a walk that is taken now.
        skin: Whom to tell what was chosen.

    Raises:
        CalibrationError: Fewer points are asked for, and nothing tells which.
        ConfigError: The site file makes no sense.
        UsageError: More points are asked for than there are.
    """
    laps = wishes.laps or DEFAULT_LAPS
    if recorded is not None:
        if wishes.laps is None and recorded.n_laps > laps:
            skin.say(
                f"of each point the first {laps} visits are the laps; --laps takes "
                "more, --visits others"
            )
        laps = min(laps, recorded.n_laps)
        has_outside = (OUTSIDE, 1) in recorded.captures
        known: tuple[Point, ...] = recorded.points
    else:
        known = known_points(bundle, site, site_file)
        has_outside = any(point.is_outside for point in known)
        known = tuple(point for point in known if not point.is_outside)
    points = _chosen(wishes.points, known, laps, bundle, site, recorded, skin)
    return WalkPlan(
        points,
        laps,
        wishes.shots,
        with_outside=wishes.outside or has_outside,
        is_typed=recorded is None and len(known) < 2,  # one place teaches nothing
    )


def known_channels(bundle: Bundle, site: SiteState) -> tuple[Channel, ...]:
    """Return what the calibration in use hears; none where there is none.

    Args:
        bundle: The model.
        site: Its files.
    """
    try:
        return load_calibration(site.folder, bundle).channels
    except CalibrationError:
        return ()


def known_points(bundle: Bundle, site: SiteState, site_file: Path) -> tuple[Point, ...]:
    """Return the points of the site file, else of the calibration in use, else none.

    Args:
        bundle: The model.
        site: Its files.
        site_file: If it is there.

    Raises:
        ConfigError: The site file makes no sense.
    """
    if site_file.exists():
        return read_site_file(site_file).points
    try:
        return load_calibration(site.folder, bundle).points
    except CalibrationError:
        return ()


def _chosen(
    wish: int | str | None,
    known: tuple[Point, ...],
    laps: int,
    bundle: Bundle,
    site: SiteState,
    recorded: RecordedSite | None,
    skin: Skin,
) -> tuple[Point, ...]:
    """Return the points to walk to, in the order of walking."""
    if isinstance(wish, int) and wish > len(known):
        raise UsageError(
            f"--points is {wish}, and {len(known)} points are known; leave it out, or "
            "add points to the site file"
        )
    is_free = wish is None and recorded is None and bundle.neighbours is not None
    if not known or not (isinstance(wish, int) or is_free) or wish == len(known):
        return known
    past = past_of(site)
    if past is None:
        if wish is None:
            return known
        raise CalibrationError(
            f"site {site.site} has no past that could tell which {wish} points teach "
            "most; calibrate it at all points first"
        )
    skin.stage("replaying the walks of the past")
    skin.expected(expected_of(bundle, past))
    worth = worth_walking_to(bundle, past, known, laps)
    n = wish if isinstance(wish, int) else max(worth.n_worth, 1)
    taken = set(worth.points[:n])
    if len(taken) < len(known):
        why = "asked for" if isinstance(wish, int) else "the others would add little"
        skin.say(
            f"{n} of {len(known)} points, those that teach most ({why}; all of them: "
            "--points all)"
        )
    return tuple(point for point in known if point in taken)
