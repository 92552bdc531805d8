"""The walks and calibrations that a site has, and the shots of the newest walk.

A calibration is listed with the newest walk that taught it, and with its error when it
was replayed (`edge_agent.trust`): of the estimator that did best. Those of different
days were replayed on different walks; what compares them is the check when one is made.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from edge_agent.calibration import stored_trusts
from edge_agent.console import table
from edge_agent.errors import CalibrationError, WalkError
from edge_agent.generations import ORIGINAL
from edge_agent.site_state import SiteState
from edge_agent.trust.choice import Measure
from edge_agent.walking.label import ShotLabel
from edge_agent.walking.shot_events import stop_to_json
from edge_agent.walking.verdict import Grade
from edge_agent.walking.walk_store import WalkStore, walk_name


def listing(store: WalkStore, site: SiteState, *, as_json: bool) -> Iterator[str]:
    """Yield lines about both, oldest first.

    Args:
        store: The site's walks.
        site: Its files.
        as_json: One line with everything.

    Raises:
        WalkError: The walks cannot be read.
    """
    walks = [_walk(store, name) for name in store.walks()]
    shots = store.read(store.walks()[-1]) if walks and "error" not in walks[-1] else ()
    active = site.generations.active if site.is_in_use else None
    names = site.generations.names()
    if active == ORIGINAL:
        names = [ORIGINAL, *names]
    if as_json:
        calibrations = [
            {"name": n, "active": n == active} | _learnt(site.generations.path(n))
            for n in names
        ]
        yield json.dumps(
            {
                "walks": walks,
                "shots": [_shot_json(shot) for shot in shots],
                "calibrations": calibrations,
            }
        )
        return
    rows = [
        [str(w["walk"]), str(w["points"]), str(w["laps"]), str(w["shots"]), _state(w)]
        for w in walks
    ]
    yield from table(["walk", "points", "laps", "shots", ""], rows, right={1, 2, 3})
    yield ""
    if walks:
        yield f"shots of {walks[-1]['walk']}:"
        yield from table(
            ["shot", "point", "room", "lap", ""],
            [_shot_row(shot) for shot in shots],
            right={0, 3},
        )
        yield ""
    kept = [
        _calibration_row(
            name, _learnt(site.generations.path(name)), is_active=name == active
        )
        for name in names
    ]
    yield from table(["calibration", "newest walk", "replayed", ""], kept, right=set())


def _calibration_row(
    name: str, learnt: dict[str, object], *, is_active: bool
) -> list[str]:
    score, replayed = learnt["score"], "-"
    if isinstance(score, float):
        is_metres = learnt["measure"] == Measure.METRES
        size = f"{score:.2f} m" if is_metres else f"{score:.0%} wrong rooms"
        replayed = f"{size} ({learnt['estimator']})"
    return [name, str(learnt["walk"] or "-"), replayed, "in use" if is_active else ""]


def _learnt(home: Path) -> dict[str, object]:
    """Return what taught a calibration and how well it did; None where unknown.

    Args:
        home: Its folder. Of several bundles the one that learnt it last is told of.
    """
    unknown: dict[str, object] = dict.fromkeys(
        ("walk", "estimator", "score", "measure")
    )
    files = sorted(home.glob("calibration*.npz"), key=lambda path: path.stat().st_mtime)
    if not files:
        return unknown
    try:
        trusts = stored_trusts(files[-1])
    except CalibrationError:  # its own commands tell why; the others are still listed
        return unknown
    if not trusts:
        return unknown
    trust = trusts[0]
    walk = None if trust.walked_ns is None else walk_name(trust.walked_ns)
    if not trust.scores:
        return unknown | {"walk": walk}
    estimator, score = trust.scores[0]
    return {
        "walk": walk,
        "estimator": str(estimator),
        "score": round(score, 4),
        "measure": str(trust.measure),
    }


def _shot_row(shot: ShotLabel) -> list[str]:
    point, verdict = shot.stop.point, shot.verdict
    is_good = verdict.grade is Grade.GOOD
    judged = verdict.grade.value if is_good else f"{verdict.grade}: {verdict.text}"
    return [
        str(shot.number),
        point.name,
        point.room or "",
        str(shot.stop.lap),
        judged,
    ]


def _shot_json(shot: ShotLabel) -> dict[str, object]:
    return {
        "number": shot.number,
        **stop_to_json(shot.stop),
        **shot.verdict.to_json(),
    }


def _walk(store: WalkStore, name: str) -> dict[str, object]:
    try:
        shots = store.read(name)
    except WalkError as error:
        return {"walk": name, "points": 0, "laps": 0, "shots": 0, "error": str(error)}
    return {
        "walk": name,
        "points": len({shot.stop.point.name for shot in shots}),
        "laps": len({shot.stop.lap for shot in shots}),
        "shots": len(shots),
        "finished": name != store.unfinished(),
    }


def _state(walk: dict[str, object]) -> str:
    if "error" in walk:
        return str(walk["error"])
    return "" if walk["finished"] else "unfinished"
