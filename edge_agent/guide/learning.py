"""From the shots of the newest walk to a calibration, in use if it is better."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from edge_agent.bundles.files import Kind
from edge_agent.bundles.store import BundleStore
from edge_agent.calibration import Calibration
from edge_agent.cautions import cautions
from edge_agent.config import AgentConfig
from edge_agent.csi.iq_order import IqOrder
from edge_agent.errors import CalibrationError
from edge_agent.guide.setting import is_marked_simulated
from edge_agent.guide.skin import Skin, Told
from edge_agent.learning.backends import Backend
from edge_agent.models import load_model
from edge_agent.site_learning import Outcome, learn_site, undo, use
from edge_agent.site_model import SiteCalibration
from edge_agent.site_state import SiteState
from edge_agent.survey import Point, SurveyedCapture

WAITING = "waiting for another edge_agent command to end (Ctrl-C)"


@dataclass(frozen=True, slots=True)
class Learning:
    """What is to learn, where, and whom it tells."""

    config: AgentConfig
    skin: Skin

    flags: str = ""
    """Behind every command that is suggested, with a space in front."""

    points: tuple[Point, ...] = ()
    """Of the site, as far as people told."""

    force: bool = False
    """Put what is learnt in use, whatever the check says."""

    def learn(self, captures: list[SurveyedCapture], now: datetime) -> Outcome:
        """Learn the site from a walk's shots and from its past, and show what came.

        Args:
            captures: Of the newest walk, one per shot.
            now: When.

        Raises:
            CalibrationError: The model does not adapt to these shots, or they cannot be
                stored. What is in use stays so, and the shots are kept.
            CaptureError, SurveyError: A shot cannot be read.
            BackendError, BundleError: What is to compute cannot.
        """
        config, skin = self.config, self.skin
        n_per_point = max(
            sum(c.point.name == name for c in captures)
            for name in {c.point.name for c in captures}
        )
        with self._store.locked(on_wait=lambda: skin.say(WAITING)):
            model = load_model(config.model, on_caution=skin.caution)
            shots = model.record(
                captures,
                n_per_point=n_per_point,
                iq_order=IqOrder(config.capture.iq_order),
                on_capture=lambda n, _capture: skin.reading(n + 1, len(captures)),
            )
            if any(is_marked_simulated(c.capture.parent) for c in captures):
                shots = replace(shots, is_simulated=True)
            for sentence in cautions(shots, n_asked=n_per_point):
                skin.caution(sentence)
            outcome = learn_site(
                model,
                self._site(model.kind),
                shots,
                now=now,
                backend=Backend(config.model.backend),
                talk=skin.talk,
                force=self.force,
            )
        has_way_back = outcome.is_active and outcome.before is not None
        skin.outcome(
            outcome,
            Told(
                model.summary(outcome.calibration),
                self._unvisited(outcome.calibration),
                f"edge_agent calibrate --undo{self.flags}" if has_way_back else None,
                next_command(outcome.calibration, model.interface(shots)) + self.flags,
            ),
        )
        return outcome

    def undo(self) -> str:
        """Return to the calibration before the one in use, and return its name.

        Raises:
            CalibrationError: There is none before.
            BackendError, BundleError: What is to compute cannot.
        """
        skin = self.skin
        with self._store.locked(on_wait=lambda: skin.say(WAITING)):
            model = load_model(self.config.model, on_caution=skin.caution)
            site = self._site(model.kind)
            if not site.is_in_use:
                raise CalibrationError(
                    f"site {site.site} was never calibrated, so there is nothing to "
                    "undo; begin with edge_agent calibrate"
                )
            return undo(
                model,
                site,
                now=datetime.now(UTC),
                backend=Backend(self.config.model.backend),
                talk=skin.talk,
            )

    def use(self, name: str) -> None:
        """Put a calibration that was kept in use again.

        Args:
            name: As ``edge_agent calibrate --list`` shows it.

        Raises:
            CalibrationError: There is none of that name.
            BackendError, BundleError: What is to compute cannot.
        """
        skin = self.skin
        with self._store.locked(on_wait=lambda: skin.say(WAITING)):
            model = load_model(self.config.model, on_caution=skin.caution)
            use(
                model,
                self._site(model.kind),
                name,
                now=datetime.now(UTC),
                backend=Backend(self.config.model.backend),
                talk=skin.talk,
            )

    def _unvisited(self, calibration: SiteCalibration) -> tuple[str, ...]:
        """Return places of the site that the calibration knows nothing of."""
        if not isinstance(calibration, Calibration):
            return ()
        known = {name for p in calibration.points for name in (p.name, p.room)}
        places = (
            point.room or point.name for point in self.points if not point.is_outside
        )
        return tuple(dict.fromkeys(place for place in places if place not in known))

    @property
    def _store(self) -> BundleStore:
        return BundleStore(self.config.model.state_path)

    def _site(self, kind: Kind) -> SiteState:
        return SiteState(self.config.model.site_path(self.config.site.name), kind)


def next_command(calibration: SiteCalibration, interface: str) -> str:
    """Return what locates at a site: nothing simulated is on the air.

    Args:
        calibration: In use there.
        interface: That hears its access points.
    """
    if calibration.is_simulated:
        return "edge_agent capture --pcap FILE --broker none"
    return f"sudo edge_agent capture --iface {interface}"
