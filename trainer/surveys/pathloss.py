"""Surveys of places that path-loss models describe, for every method to run on.

No radio has received any of it. `trainer.simulate.pathloss` says what is received
where; here it becomes environments: days, visits, points to calibrate and to test.

    every day     the site on a day of its own (`DayChange`)
    every visit   the device is put down anew: N(0, visit_db²) per point and channel
    every sample  the site's noise, and its shadowing where that is the samples'

A file of them is a compact copy, ``pathloss_rss.npz``, see `from_compact`.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edge_agent.arrays import write_atomically
from trainer.simulate.pathloss.errors import PathLossError, at_least, between
from trainer.simulate.pathloss.laws import Floats
from trainer.simulate.pathloss.models import MODELS
from trainer.simulate.pathloss.shadowing import DayChange
from trainer.simulate.pathloss.site import RssSite
from trainer.simulate.pathloss.survey import TaskSurvey
from trainer.surveys.compact import Arrays, check_shapes
from trainer.surveys.environment import Environment, Signals
from trainer.surveys.points import finite_rows, make_place
from trainer.surveys.report import Skips, SurveyDataError

FILE = "pathloss_rss.npz"
"""Name of the compact copy."""

PLACE = "pathloss"

_MOST_LEVELS = 100_000_000
"""Received powers in one survey: 400 MB, and a few times that while it is made."""


@dataclass(frozen=True, slots=True)
class SurveyPlan:
    """How much is recorded, and how much changes."""

    n_days: int = 5
    n_visits: int = 2
    """A day; the device goes over all points in each."""

    n_samples: int = 5
    """Of each point and visit."""

    visit_db: float = 1.1
    """Standard deviation between visits of a point on one day. In the public survey
    `polyu` it is 1.1 dB (median over points and days)."""

    change: DayChange = field(default_factory=DayChange)

    def __post_init__(self) -> None:
        at_least("n_days", self.n_days, 1)
        at_least("n_visits", self.n_visits, 1)
        at_least("n_samples", self.n_samples, 1)
        between("visit_db", self.visit_db, 0, 100)

    def check_size(self, n_points: int, n_aps: int) -> None:
        """Check that what is to be recorded can be held.

        Raises:
            PathLossError: Over a hundred million received powers.
        """
        n_levels = self.n_days * self.n_visits * self.n_samples * n_points * n_aps
        if n_levels > _MOST_LEVELS:
            raise PathLossError(
                f"{self.n_days} days x {self.n_visits} visits x {n_points} points x "
                f"{self.n_samples} samples x {n_aps} access points are {n_levels:,} "
                f"received powers, more than {_MOST_LEVELS:,}: take fewer of them"
            )


NO_CHANGE = DayChange(own_share=0.0, power_db=0.0)
"""Nothing but noise tells one day from another."""


def survey_days(
    site: RssSite,
    points: Floats,
    plan: SurveyPlan,
    rng: np.random.Generator,
    *,
    test_points: Floats | None = None,
    place_name: str = PLACE,
) -> list[Environment]:
    """Return one environment per day, ``d1`` onwards, samples in order of time.

    Coordinates are rounded to a millimetre, and signals are those of the rounded place.

    Args:
        site: Where; its own day is none of them.
        points: To calibrate and to locate at, x, y [m], shape (n, 2).
        plan: How much.
        rng: Source of days, visits and noise.
        test_points: More, to locate at only.
        place_name: Of the place that the environments share.

    Raises:
        PathLossError: No points, one that is not in the site, or more received powers
            than can be held.
    """
    more = np.empty((0, 2)) if test_points is None else test_points
    plan.check_size(len(points) + len(more), site.n_aps)
    place, point_of = make_place(
        place_name, np.concatenate([points, more]), _channels(site.n_aps)
    )
    is_test = np.ones(place.n_points, np.bool_)
    is_test[point_of[: len(points)]] = False
    shape = (plan.n_visits, place.n_points, plan.n_samples)
    visit_of, number_of, _ = np.indices(shape).reshape(3, -1)
    environments = []
    for day in range(1, plan.n_days + 1):
        today = site.on_day(rng, plan.change)
        visits = [_visit(today, place.locations, plan, rng) for _ in range(shape[0])]
        rss = np.concatenate(visits).reshape(-1, site.n_aps)
        environments.append(
            Environment(
                f"d{day}",
                place,
                day,
                Signals(rss.astype(np.float32)),
                number_of,
                visit_of,
                is_test[number_of],
                is_simulated=True,
            )
        )
    return environments


def environment_of(survey: TaskSurvey, name: str) -> Environment:
    """Return the survey of a task as one environment.

    Reference points are visit 0; the places of its samples are visit 1, and only test.

    Args:
        survey: From `trainer.simulate.pathloss.survey.survey_task`.
        name: Of the environment and its place.
    """
    n_references, each, n_aps = survey.reference_rss.shape
    n_places, each_place, _ = survey.rss.shape
    place, point_of = make_place(
        name,
        np.concatenate([survey.reference_points, survey.places]),
        _channels(n_aps),
    )
    repeats = np.repeat([each, each_place], [n_references, n_places])
    rss = [survey.reference_rss.reshape(-1, n_aps), survey.rss.reshape(-1, n_aps)]
    is_place = np.repeat(np.arange(n_references + n_places) >= n_references, repeats)
    return Environment(
        name,
        place,
        0,
        Signals(np.concatenate(rss).astype(np.float32)),
        np.repeat(point_of, repeats),
        is_place.astype(np.intp),
        is_place,
        is_simulated=True,
    )


def write_days(
    path: Path, environments: Sequence[Environment], about: Mapping[str, Any]
) -> None:
    """Write environments of one place as a compact copy; the same ones, the same bytes.

    Args:
        path: File to write; folders are created.
        environments: From `survey_days`.
        about: What made them, for people: goes into the array ``about`` as JSON.

    Raises:
        OSError: It cannot be written.
    """
    days = [np.full(len(e), e.order, np.int64) for e in environments]
    arrays = {
        "about": np.array(json.dumps(dict(about), sort_keys=True)),
        "rss": np.concatenate([e.signals.rss for e in environments]),
        "xy": np.concatenate([e.locations for e in environments]),
        "day": np.concatenate(days),
        "visit": np.concatenate([e.visit_of for e in environments]).astype(np.int64),
        "is_test": np.concatenate([e.is_test for e in environments]),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_atomically(path, buffer.getvalue())


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per day.

    Arrays:
        ``rss`` [dBm] (n, n_aps), NaN where not heard; ``xy`` [m] (n, 2); ``day`` from 1
        and ``visit`` from 0, whole numbers (n,); ``is_test`` (n,); ``about``, JSON, is
        asked for model and seed alone, and may be missing.

    Raises:
        SurveyDataError: An array is missing, of another shape, or holds what it cannot.
    """
    shapes: dict[str, tuple[int | str, ...]] = {
        "rss": ("n", "n_aps"),
        "xy": ("n", 2),
        "day": ("n",),
        "visit": ("n",),
        "is_test": ("n",),
    }
    check_shapes(source, arrays, shapes)
    kinds = {"rss": "f", "xy": "f", "day": "iu", "visit": "iu", "is_test": "b"}
    for name, kind in kinds.items():
        if arrays[name].dtype.kind not in kind:
            raise SurveyDataError(
                f"{source}: array {name} is {arrays[name].dtype}, expected kind {kind}"
            )
    # What single precision, in which they are kept, cannot hold is no level either.
    if (np.abs(arrays["rss"]) > np.finfo(np.float32).max).any():
        raise SurveyDataError(f"{source}: a received power is infinite")
    xy = arrays["xy"].astype(np.float64)
    usable = np.flatnonzero(finite_rows(xy, skips))
    place, point_of = make_place(PLACE, xy[usable], _channels(arrays["rss"].shape[1]))
    days, visits = arrays["day"][usable], arrays["visit"][usable].astype(np.intp)
    everything = Environment(
        "",
        place,
        0,
        Signals(arrays["rss"][usable].astype(np.float32)),
        point_of,
        visits,
        arrays["is_test"][usable],
        is_simulated=True,
        origin=_origin(about_of(source, arrays)),
    )
    environments = []
    for day in np.unique(days).tolist():
        rows = np.flatnonzero(days == day)
        rows = rows[np.argsort(visits[rows], kind="stable")]
        environments.append(
            replace(everything.select(rows), name=f"d{day}", order=int(day))
        )
    return environments


def about_of(source: Path, arrays: Arrays) -> dict[str, Any]:
    """Return what made a compact copy, as `write_days` was told; empty if unknown.

    Args:
        source: Named in the error.
        arrays: Of the copy.

    Raises:
        SurveyDataError: The array ``about`` is no JSON object.
    """
    if "about" not in arrays:
        return {}
    try:
        about = json.loads(str(arrays["about"]))
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict):
        raise SurveyDataError(
            f"{source}: array about is no JSON object; make the file anew with trainer "
            "simulate rss"
        )
    return about


def _origin(about: Mapping[str, Any]) -> str:
    """Return model and seed, in words; nothing where they are not what they should be.

    What a file says goes into tables: a model's name is one that there is.
    """
    model, seed = about.get("model"), about.get("seed")
    is_known = isinstance(model, str) and model in MODELS
    if not is_known or type(seed) is not int:  # True is an int, too
        return ""
    kind = ", as in the paper" if about.get("paper") is True else ""
    kind = ", correlated shadowing" if about.get("correlated") is True else kind
    return f"path-loss model {model}{kind}, seed {seed}"


def _channels(n_aps: int) -> tuple[str, ...]:
    return tuple(f"AP{number}" for number in range(1, n_aps + 1))


def _visit(
    today: RssSite, locations: Floats, plan: SurveyPlan, rng: np.random.Generator
) -> Floats:
    """Return one pass over the points, shape (n, n_samples, n_aps)."""
    placed = rng.normal(0, plan.visit_db, (len(locations), 1, today.n_aps))
    unlimited = replace(today, sensitivity_dbm=None)
    return today.heard(unlimited.rss(locations, plan.n_samples, rng) + placed)
