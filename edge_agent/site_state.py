"""What is kept of a site: its shots, and a calibration for each installed bundle.

    <home>/shots.npz                   what was recorded last
    <home>/history.npz                 what was recorded before that, if anything
    <home>/calibration-<digest>.npz    a bundle adapted to it, by 16 digits
    <home>/calibration.npz             the same, of agents before bundles could be
                                       installed; read, no longer written

<home> is <state>/<site>/calibrations/<name>, the one that is in use
(`edge_agent.generations`), or <state>/<site> itself. Shots are the site's; calibrations
follow from them and from a bundle, and can be made again. So a bundle can be replaced,
and returned to, without walking again. A site that was recorded for more than one kind
of model has such files of each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import BundleFiles, Kind
from edge_agent.bundles.store import bundle_name
from edge_agent.calibration import Calibration
from edge_agent.config import RESERVED_SITES
from edge_agent.errors import CalibrationError, WalkError
from edge_agent.generations import Generations
from edge_agent.walking.walk_store import WalkStore

_PREFIXES = {Kind.CSI: "", Kind.RSS: "rss-"}


@dataclass(frozen=True, slots=True)
class SiteFiles:
    """Where the files of one calibration are, for one kind of model."""

    folder: Path
    kind: Kind

    @property
    def shots(self) -> Path:
        """Of the shots."""
        return self.folder / f"{_PREFIXES[self.kind]}shots.npz"

    @property
    def history(self) -> Path:
        """Of the shots before those."""
        return self.folder / f"{_PREFIXES[self.kind]}history.npz"

    def calibration(self, digest: str) -> Path:
        """Return where what a bundle learnt of them is kept.

        Args:
            digest: The bundle's, or its name in the store.
        """
        name = f"{_PREFIXES[self.kind]}calibration-{bundle_name(digest)}.npz"
        return self.folder / name

    def stored_calibration(self, digest: str) -> Path | None:
        """Return the file that may hold a bundle's calibration, if there is one."""
        unnamed = self.folder / f"{_PREFIXES[self.kind]}calibration.npz"
        candidates = (self.calibration(digest), unnamed)
        return next((path for path in candidates if path.is_file()), None)


@dataclass(frozen=True, slots=True)
class SiteState:
    """The files of one site, for one kind of model."""

    folder: Path
    kind: Kind

    @property
    def site(self) -> str:
        """Name of the site."""
        return self.folder.name

    @property
    def walks(self) -> Path:
        """Folder of its walks, as `edge_agent.walking.walk_store` keeps them."""
        return self.folder / "walks"

    @property
    def generations(self) -> Generations:
        """Its calibrations, one after another."""
        return Generations(self.folder, _PREFIXES[self.kind])

    @property
    def in_use(self) -> SiteFiles:
        """The files of the calibration that is in use."""
        return SiteFiles(self.generations.home, self.kind)

    @property
    def shots(self) -> Path:
        """Where its shots are, if there are any."""
        return self.in_use.shots

    @property
    def history(self) -> Path:
        """Where the shots before those are, if there are any."""
        return self.in_use.history

    def calibration(self, digest: str) -> Path:
        """Return where a bundle's calibration is kept.

        Args:
            digest: The bundle's, or its name in the store.
        """
        return self.in_use.calibration(digest)

    def stored_calibration(self, digest: str) -> Path | None:
        """Return the file that may hold a bundle's calibration, if there is one."""
        return self.in_use.stored_calibration(digest)

    @property
    def is_in_use(self) -> bool:
        """Whether the site has shots, or a calibration of any bundle."""
        files = self.in_use
        pattern = f"{_PREFIXES[self.kind]}calibration*.npz"
        return files.shots.is_file() or any(files.folder.glob(pattern))


def site_states(state: Path, kind: Kind) -> Iterator[SiteState]:
    """Yield every site of a state directory, by name, as one kind of model sees it.

    Those too that have only what belongs to another kind: a bundle of this kind knows
    nothing of them.
    """
    if not state.is_dir():
        return
    for folder in sorted(state.iterdir()):
        if folder.name in RESERVED_SITES or not folder.is_dir():
            continue
        if any(SiteState(folder, each).is_in_use for each in Kind):
            yield SiteState(folder, kind)


def load_calibration(folder: Path, bundle: Bundle) -> Calibration:
    """Return what a bundle learnt of a site.

    Args:
        folder: The site's.
        bundle: The model.

    Raises:
        CalibrationError: The site is not calibrated, or to other bundles only, or the
            file is damaged.
    """
    kept = SiteState(folder, Kind.CSI)
    return Calibration.load(find_calibration(kept, bundle.files), bundle)


def find_calibration(kept: SiteState, files: BundleFiles) -> Path:
    """Return where what a bundle learnt of a site is, whatever its kind.

    Args:
        kept: The site's files.
        files: The bundle's.

    Raises:
        CalibrationError: The site is not calibrated, or to other bundles only.
    """
    path = kept.stored_calibration(files.digest)
    if path is not None:
        return path
    if kept.is_in_use:
        raise CalibrationError(
            f"site {kept.site} is not calibrated for the bundle {files.name}: no "
            f"{kept.calibration(files.digest)}. Adapt it to the site's shots: "
            f"edge_agent adapt --site {kept.site}"
        )
    raise CalibrationError(f"site {kept.site} is not calibrated: {_how_to_begin(kept)}")


def _how_to_begin(kept: SiteState) -> str:
    """Return what a site lacks of which there are no shots, and what to do."""
    adapt = f"edge_agent adapt survey.csv --site {kept.site}"
    demo = "To try it first without: edge_agent demo"
    if kept.kind is not Kind.CSI:
        return (
            "no received power has been recorded there. Record some points, then: "
            f"{adapt} (edge_agent adapt --help tells how). {demo}"
        )
    calibrate = f"edge_agent calibrate --site {kept.site}"
    try:
        unfinished = WalkStore(kept.walks).unfinished()
    except WalkError:  # what cannot be read, calibrate tells about
        unfinished = None
    if unfinished is not None:
        return (
            f"no walk through it is finished, {unfinished} was left halfway. Go on "
            f"with it: {calibrate} --resume"
        )
    return (
        "no walk through it has been learnt. Walk, some seconds at each point: "
        f"{calibrate}. From captures that are recorded already: {adapt}. {demo}"
    )
