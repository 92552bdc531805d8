"""Take another bundle, or return to the one before, with every site calibrated.

    1. the bundle is verified: signature, files, model, memory, golden task
    2. it is copied into the store
    3. it is adapted to the stored shots of every site; other calibrations stay
    4. it is put in use, by one rename
    5. bundles that are neither in use nor the one before are removed

Whatever ends this before step 4, the bundle in use stays so, with its calibrations;
what was written by then is used or removed by the next installation.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge_agent.bundles.files import BundleFiles, Kind
from edge_agent.bundles.model_in_use import (
    choose,
    is_shipped,
    load_named,
    terms_of,
)
from edge_agent.bundles.proof import prove
from edge_agent.bundles.store import SHIPPED, BundleStore, InUse
from edge_agent.config import ModelConfig
from edge_agent.csi.iq_order import IqOrder
from edge_agent.errors import BundleError, CalibrationError
from edge_agent.estimators import Estimator
from edge_agent.learning.backends import Backend
from edge_agent.models import model_of
from edge_agent.site_learning import Talk, relearn
from edge_agent.site_model import SiteModel
from edge_agent.site_state import SiteState, site_states


@dataclass(frozen=True, slots=True)
class Progress:
    """Whom to tell what, while it takes a while."""

    on_stage: Callable[[str], None]
    """Called with what is done next."""

    on_caution: Callable[[str], None]
    """Called with what is not as it should be."""


@dataclass(frozen=True, slots=True)
class Change:
    """What came of it."""

    files: BundleFiles
    in_use: InUse
    adapted: tuple[str, ...]
    """Sites that the bundle was adapted to."""

    fits: Mapping[str, str]
    """How well it fits each of these, in words."""

    kept: tuple[str, ...]
    """Sites whose calibration was there already, of the shots that they have."""

    skipped: tuple[str, ...]
    """Sites that are without a calibration now."""


def install(
    files: BundleFiles,
    config: ModelConfig,
    *,
    skip: Collection[str],
    now: datetime,
    progress: Progress,
) -> Change:
    """Put a bundle in use.

    Args:
        files: Verified, on the terms of the configuration.
        config: Where the state is, and what computes.
        skip: Sites that may be without a calibration afterwards.
        now: When.
        progress: Whom to tell.

    Raises:
        BundleError: It makes no model, this machine cannot compute it, a site's shots
            do not fit it, or the store cannot be written. The bundle in use stays.
        BackendError: What is to compute is not there.
    """
    store = BundleStore(config.state_path)
    progress.on_stage(f"checking {files.name}")
    prove(files, config)
    with store.locked():
        before = _in_use(store, progress)
        try:
            is_own = is_shipped(files.directory)  # a copy would need a signature
            name = SHIPPED if is_own else store.add(files)
            after = _following(before or InUse(), name, config)
            change = _adapt_sites(files, after, config, skip, now, progress)
            store.use(after)
        except BaseException:
            if before is not None:  # what came of it is what the record says by now
                _forget(config, store.prune(store.in_use()))
            raise
        if before is not None:
            _forget(config, store.prune(after))
    return change


def roll_back(
    config: ModelConfig,
    *,
    skip: Collection[str],
    now: datetime,
    progress: Progress,
) -> Change:
    """Return to the bundle before, which makes the one in use the one before.

    Args, errors: as of `install`.

    Raises:
        BundleError: There is none to return to.
    """
    store = BundleStore(config.state_path)
    terms = terms_of(config)
    _check_previous(store.in_use())  # before anything is written, a lock for instance
    with store.locked():
        before = store.in_use()
        after = InUse(_check_previous(before), before.current)
        files = load_named(store, after.current, terms)
        change = _adapt_sites(files, after, config, skip, now, progress)
        store.use(after)
    return change


def _check_previous(in_use: InUse) -> str:
    if in_use.previous is None:
        raise BundleError(
            "there is no bundle to return to: nothing was installed yet, and the "
            "shipped one is in use"
        )
    return in_use.previous


def _following(before: InUse, name: str, config: ModelConfig) -> InUse:
    """Return what is in use next; the one before is one that can be returned to."""
    after = before.followed_by(name)
    try:
        taken = choose(config).name
    except BundleError:
        return after
    is_mended = name in (taken, before.current)
    return after if taken is None or is_mended else InUse(name, taken)


def _forget(config: ModelConfig, names: Collection[str]) -> None:
    """Remove what nobody can read any more: calibrations of bundles that are gone."""
    for kind in Kind:
        for site in site_states(config.state_path, kind):
            for name in names:
                site.calibration(name).unlink(missing_ok=True)


def _in_use(store: BundleStore, progress: Progress) -> InUse | None:
    """Return what is in use; None, and keep all there is, where that is not known."""
    try:
        return store.in_use()
    except BundleError as error:
        progress.on_caution(str(error))
        return None


def _adapt_sites(
    files: BundleFiles,
    in_use: InUse,
    config: ModelConfig,
    skip: Collection[str],
    now: datetime,
    progress: Progress,
) -> Change:
    model = model_of(files, Estimator(config.estimator))
    adapted: dict[str, str] = {}
    kept: list[str] = []
    unfit: dict[str, str] = {}
    for site in site_states(config.state_path, files.kind):
        progress.on_stage(f"adapting to {site.site}")
        try:
            fit = _calibrate(site, files, model, now, Backend(config.backend), progress)
        except CalibrationError as error:
            unfit[site.site] = str(error)
        else:
            if fit is None:
                kept.append(site.site)
            else:
                adapted[site.site] = fit
    refused = {site: reason for site, reason in unfit.items() if site not in skip}
    if refused:
        reasons = "; ".join(f"site {site}: {why}" for site, why in refused.items())
        flags = " ".join(f"--skip-site {site}" for site in refused)
        raise BundleError(
            f"{files.name} cannot be adapted to every site; the bundle in use stays. "
            f"{reasons}. To do without: {flags}"
        )
    return Change(files, in_use, tuple(adapted), adapted, tuple(kept), tuple(unfit))


def _calibrate(
    site: SiteState,
    files: BundleFiles,
    model: SiteModel[Any, Any],
    now: datetime,
    backend: Backend,
    progress: Progress,
) -> str | None:
    """Adapt a model to a site, unless that was done with these very shots.

    Returns:
        How well it fits; None where it was adapted before.

    Raises:
        BundleError: It does not locate, as it is configured.
        CalibrationError: There are no shots, or it does not adapt to them.
    """
    if not site.shots.is_file():
        raise CalibrationError(
            f"no shots are stored for a bundle of the kind {files.kind}; record some: "
            "edge_agent adapt --help"
        )
    calibration = relearn(
        model,
        site.in_use,
        now=now,
        backend=backend,
        talk=Talk(
            progress.on_stage,
            lambda step, loss: progress.on_stage(
                f"adapting to {site.site}: step {step}, loss {loss:.3f}"
            ),
            progress.on_caution,
        ),
    )
    # As the agent is going to.
    model.open_site(
        site.folder,
        hop=1,
        iq_order=IqOrder.AUTO,
        backend=backend,
        on_caution=lambda _caution: None,
    )
    return None if calibration is None else model.summary(calibration)
