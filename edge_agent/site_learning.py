"""A walk's shots -> a calibration that is in use, if it is better than the one before.

    fresh shots  +  what the site was recorded as before
      | SiteModel.beside, adapt         a calibration
      | check                           each lap located from the others
      | generations.draft               on disk, whole
      | generations.activate            in use, if it is better

Nothing is lost on the way: a calibration that is not put in use is kept beside the
others, and what was in use can be returned to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from edge_agent.check import Check, Fold, Rows, check
from edge_agent.errors import CalibrationError
from edge_agent.estimate import Estimate
from edge_agent.generations import ORIGINAL
from edge_agent.history import walk_of
from edge_agent.learning.backends import Backend
from edge_agent.prospect import Prospect
from edge_agent.site_model import Shots, SiteCalibration, SiteModel
from edge_agent.site_state import SiteFiles, SiteState

MAX_PER_POINT = 24
"""Older shots of a point that are kept at hand, the newest: eight walks of three laps.
Walks keep them all."""

MAX_HISTORY = 2400
"""Older shots of a site, of however many points: 60 MB."""


@dataclass(frozen=True, slots=True)
class Talk:
    """Whom to tell what, while it takes a while."""

    on_stage: Callable[[str], None]
    """Called with what is done next."""

    on_step: Callable[[int, float], None]
    """Called with the number of gradient steps done and the loss after them."""

    on_caution: Callable[[str], None]
    """Called with what is not as it should be."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of learning a site."""

    calibration: SiteCalibration
    name: str
    """Of the calibration among those of the site."""

    check: Check | None
    """None where there was nothing to check with."""

    is_active: bool
    """Whether it was put in use."""

    before: str | None
    """What was in use before, if anything."""

    why: str
    """Why it was put in use, or not; a sentence."""

    prospect: Prospect | None
    """What to expect at all points; None where nothing tells."""


def learn_site(
    model: SiteModel[Any, Any],
    site: SiteState,
    fresh: Shots,
    *,
    now: datetime,
    backend: Backend,
    talk: Talk,
    force: bool = False,
) -> Outcome:
    """Learn a site from fresh shots and from its past; use what is better.

    Nobody else may change the site meanwhile (`BundleStore.locked`).

    Args:
        model: What is to locate.
        site: Its files.
        fresh: Shots of the newest walk.
        now: When.
        backend: What computes.
        talk: Whom to tell.
        force: Put it in use, whatever the check says.

    Raises:
        CalibrationError: The model does not adapt to these shots, or they cannot be
            stored. What is in use stays so.
        BackendError, BundleError: What is to compute cannot.
    """
    talk.on_stage("reading what the site was recorded as before")
    shots, history = beside_past(model, site, fresh, talk.on_caution)
    active = _active(model, site, talk.on_caution)
    calibration = model.adapt(
        shots,
        history=history,
        now=now,
        backend=backend,
        on_step=talk.on_step,
        on_caution=talk.on_caution,
        on_stage=talk.on_stage,
    )
    talk.on_stage("checking: each lap from the others")

    def located(fold: Fold) -> list[Estimate | None]:
        sketch = model.adapt(
            shots.select(fold.learnt),
            history=history,
            like=calibration,
            now=now,
            backend=backend,
            on_step=lambda _step, _loss: None,
            on_caution=lambda _caution: None,
        )
        return model.locate(sketch, shots.select(fold.asked), backend=backend)

    def before(rows: Rows) -> list[Estimate | None]:
        return model.locate(active, shots.select(rows), backend=backend)

    checked = check(
        shots,
        located,
        has_history=history is not None,
        before=None if active is None else before,
    )
    name, previous = keep(site, shots, history, calibration, now)
    is_active, why = _decide(
        checked, active is not None, force, was_in_use=previous is not None
    )
    if is_active:
        site.generations.activate(name)
        site.generations.prune()
    prospect = model.prospect(calibration)
    return Outcome(calibration, name, checked, is_active, previous, why, prospect)


def beside_past(
    model: SiteModel[Any, Any],
    site: SiteState,
    fresh: Shots,
    on_caution: Callable[[str], None],
) -> tuple[Shots, Shots | None]:
    """Return fresh shots beside those of all earlier walks.

    A past that cannot be read, or does not go together with the fresh shots, is said
    so and left: it must not keep anybody from calibrating.

    Args:
        model: What is to locate.
        site: Its files.
        fresh: Of the newest walk.
        on_caution: Called with what is not as it should be.
    """
    newest = min(walk_of(visit) for visit in fresh.visit_of.tolist())
    past: list[Shots] = []
    try:
        for path in (site.shots, site.history):
            if path.is_file():
                stored = model.load_shots(path)
                older = [walk_of(v) < newest for v in stored.visit_of.tolist()]
                past.append(stored.select(np.flatnonzero(older)))
        return _limited(*model.beside(fresh, [shots for shots in past if len(shots)]))
    except CalibrationError as error:
        on_caution(f"what was recorded before is left out: {error}")
        return fresh, None


def _limited(fresh: Shots, history: Shots | None) -> tuple[Shots, Shots | None]:
    """Return the newest older shots of every point, as many of each.

    Not the newest of all: walks to a few points must not push out the one walk that was
    everywhere.
    """
    if history is None:
        return fresh, None
    points = np.unique(history.point_of)
    most = max(1, min(MAX_PER_POINT, MAX_HISTORY // len(points)))
    by_time = np.argsort(history.visit_of, kind="stable")
    kept = [by_time[history.point_of[by_time] == point][-most:] for point in points]
    return fresh, history.select(np.sort(np.concatenate(kept)))


def _active(
    model: SiteModel[Any, Any], site: SiteState, on_caution: Callable[[str], None]
) -> SiteCalibration | None:
    """Return the calibration in use, if there is one that this bundle can use."""
    if not site.is_in_use:
        return None
    try:
        active: SiteCalibration = model.load_calibration(site.folder)
    except CalibrationError as error:
        on_caution(
            f"nothing to compare with: {error}. What was in use is kept, and can be "
            "returned to: edge_agent calibrate --undo"
        )
        return None
    return active


def _decide(
    checked: Check | None, has_active: bool, force: bool, *, was_in_use: bool
) -> tuple[bool, str]:
    """Return whether a new calibration is put in use, and why."""
    if force:
        return True, "put in use as told, whatever the check says"
    if not has_active and was_in_use:
        return True, "put in use: this bundle cannot use the one before, which is kept"
    if not has_active:
        return True, "put in use: there was none before"
    if checked is None or checked.before is None:
        return False, (
            "not put in use: with one shot per point nothing can be checked; record a "
            "second lap, or use it anyway with --force"
        )
    where = f"at the {checked.n_points} points walked to, " * checked.is_sparse
    after = f"{where}{checked.after}"
    if checked.is_worth_it:
        return True, f"put in use: {after}; the one before: {checked.before}"
    return False, (
        f"not put in use: {after}; the one in use is as good, or better: "
        f"{checked.before}. To use the new one anyway: --force"
    )


def keep(
    site: SiteState,
    shots: Shots,
    history: Shots | None,
    calibration: SiteCalibration,
    now: datetime,
) -> tuple[str, str | None]:
    """Write a calibration beside the others of a site.

    Args:
        site: Its files.
        shots: What it was made from.
        history: And what was recorded before.
        calibration: What was learnt.
        now: When.

    Returns:
        Its name, and that of the one in use, if there is one.

    Raises:
        CalibrationError: It cannot be written.
    """
    name = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    with site.generations.draft(name) as (taken, folder):
        files = SiteFiles(folder, site.kind)
        shots.save(files.shots)
        if history is not None:
            history.save(files.history)
        calibration.save(files.calibration(calibration.bundle_digest))
    return taken, site.generations.before(taken)


def undo(
    model: SiteModel[Any, Any],
    site: SiteState,
    *,
    now: datetime,
    backend: Backend,
    talk: Talk,
) -> str:
    """Return to the calibration before the one in use, and return its name.

    Where the bundle in use has not learnt of those shots, it does so first.

    Raises:
        CalibrationError: There is none before, or the bundle does not adapt to it.
        BackendError, BundleError: What is to compute cannot.
    """
    generations = site.generations
    name = generations.before(generations.active)
    if name is None:
        raise CalibrationError(
            f"site {site.site} has no calibration before the one in use "
            f"({generations.active}); kept are "
            f"{', '.join(generations.names()) or 'no others'}"
        )
    use(model, site, name, now=now, backend=backend, talk=talk)
    return name


def use(
    model: SiteModel[Any, Any],
    site: SiteState,
    name: str,
    *,
    now: datetime,
    backend: Backend,
    talk: Talk,
) -> None:
    """Put a calibration that was kept in use.

    Args:
        model: What is to locate.
        site: Its files.
        name: One of `Generations.names`, or `ORIGINAL`.
        now: When.
        backend: What computes.
        talk: Whom to tell.

    Raises:
        CalibrationError: There is none of that name, or the bundle in use does not
            adapt to it.
        BackendError, BundleError: What is to compute cannot.
    """
    if name != ORIGINAL and name not in site.generations.names():
        site.generations.activate(name)  # which says what there is
    files = SiteFiles(site.generations.path(name), site.kind)
    relearn(model, files, now=now, backend=backend, talk=talk)
    site.generations.activate(name)


def relearn(
    model: SiteModel[Any, Any],
    files: SiteFiles,
    *,
    now: datetime,
    backend: Backend,
    talk: Talk,
) -> SiteCalibration | None:
    """Adapt a bundle to stored shots, unless that was done with these very ones.

    Returns:
        What was learnt; None where that was done before.

    Raises:
        CalibrationError: There are no shots, or the model does not adapt to them.
        BackendError, BundleError: What is to compute cannot.
    """
    shots = model.load_shots(files.shots)
    history = model.load_shots(files.history) if files.history.is_file() else None
    stored = files.stored_calibration(model.digest)
    if stored is not None and model.has_learnt(stored, shots):
        return None
    calibration: SiteCalibration = model.adapt(
        shots,
        history=history,
        now=now,
        backend=backend,
        on_step=talk.on_step,
        on_caution=talk.on_caution,
        on_stage=talk.on_stage,
    )
    calibration.save(files.calibration(calibration.bundle_digest))
    return calibration
