"""A hall and a laboratory like the paper's, simulated: five days, 90 points each.

    Scene    the place: `trainer.simulate.scenes`
    Plan     how much is recorded of it

No radio has received any of it. Channel and receiver are those of `trainer.simulate`,
at 5.18 GHz and 20 MHz; amplitudes are whole counts as the chip reports them, and their
level is restored from the RSSI of each packet. Of the packets that are not heard,
images know nothing: they hold those that are, one after the other.

How like recordings they are: docs/simulation.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.simulate.listening import listen
from trainer.simulate.receiver import Reception
from trainer.simulate.room import Room
from trainer.simulate.scenes import SCENES, Scene
from trainer.simulate.tones import TONES
from trainer.surveys.environment import Environment, Floats, Place, Signals
from trainer.surveys.points import make_place
from trainer.surveys.power import power_dbm, with_power
from trainer.surveys.report import SurveyDataError

CHANNELS = ("AP1", "AP2", "AP3")
_PREFIX = "sim"
"""Of the surveys' names, before the scenes'."""

_LAST_TONE = 26
"""Images hold the 52 tones that a legacy frame has, as the device's do."""

_IS_USED = np.abs(TONES) <= _LAST_TONE
_VISIT = 1
"""What this stream of chance is for; the scenes have others. Each is its own, so that
nothing that is recorded depends on how much else is."""

_SPARE = 1.02
"""Packets sent for one that is needed: a few are lost."""

_LONGEST_LOSS = 20
"""And so many more, for a burst of losses in a short visit."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is recorded."""

    n_days: int = 5
    n_visits: int = 2
    """A day; the device goes over all points in each, and is put down anew."""

    images_per_visit: int = 8
    """Of each point: three shots and five queries are enough of them."""

    n_packets: int = 50
    """Per image and access point."""

    interval_s: float = 0.1
    """Between packets of one access point [s]: beacons."""

    def __post_init__(self) -> None:
        for name in ("n_days", "n_visits", "images_per_visit", "n_packets"):
            if getattr(self, name) < 1:
                raise SurveyDataError(f"{name} is {getattr(self, name)}, not 1 or more")
        if not self.interval_s > 0:
            raise SurveyDataError(f"interval_s is {self.interval_s}, not above 0")


HALL, LAB = SCENES["hall"], SCENES["lab"]
PAPER_PLAN = Plan()
"""Reduced: the paper has 52 images of a point and day."""


def simulate(name: str) -> list[Environment]:
    """Return a survey in full, always the same; ten seconds, 225 MB.

    Args:
        name: ``simhall`` or ``simlab``.

    Raises:
        SurveyDataError: There is no such scene.
    """
    scene = SCENES.get(name.removeprefix(_PREFIX))
    if scene is None or not name.startswith(_PREFIX):
        there_are = ", ".join(_PREFIX + known for known in SCENES)
        raise SurveyDataError(f"no scene {name!r}; there are {there_are}")
    return survey_scene(scene, PAPER_PLAN)


def survey_scene(scene: Scene, plan: Plan) -> list[Environment]:
    """Return one environment per day, ``d1`` to ``d5``, samples in order of time."""
    place, _ = make_place(_PREFIX + scene.name, scene.points, CHANNELS)
    return [
        _day(scene, plan, place, room, day)
        for day, room in enumerate(scene.days(plan.n_days), 1)
    ]


def record(
    scene: Scene, plan: Plan, room: Room, *, day: int, visit: int, point: int
) -> list[Reception]:
    """Return what the chip reports of one visit of a point, per access point.

    Args:
        scene: The place.
        plan: How much is recorded.
        room: The place on its day.
        day: From 1.
        visit: From 0.
        point: Number in the scene.
    """
    rng = np.random.default_rng([scene.seed, _VISIT, day, visit, point])
    n_needed = plan.images_per_visit * plan.n_packets
    return listen(
        rng,
        room,
        scene.place(rng, point),
        n_packets=int(_SPARE * n_needed) + _LONGEST_LOSS,
        interval_s=plan.interval_s,
        n_people=scene.n_people,
    )


def images_of(receptions: Sequence[Reception], plan: Plan) -> Floats:
    """Return images of packets that were heard in a row, their level restored.

    Args:
        receptions: Of the access points, from `record`.
        plan: How much was recorded.

    Returns:
        [√nW], shape (images_per_visit, n_packets, n_tones, n_aps).

    Raises:
        SurveyDataError: An access point is heard too seldom for the plan.
    """
    n_needed = plan.images_per_visit * plan.n_packets
    channels = []
    for reception in receptions:
        rows = np.flatnonzero(reception.heard)[:n_needed]
        if len(rows) < n_needed:
            raise SurveyDataError(
                f"{len(rows)} packets of an access point are heard, of {n_needed} "
                "that are needed: its signal is too weak there"
            )
        amplitude = np.abs(reception.csi[np.ix_(rows, _IS_USED)])
        channels.append(
            with_power(amplitude, reception.rssi_dbm[rows].astype(np.float64))
        )
    packets = np.stack(channels, axis=-1)
    return packets.reshape(-1, plan.n_packets, *packets.shape[1:])


def _day(scene: Scene, plan: Plan, place: Place, room: Room, day: int) -> Environment:
    n_points, each = place.n_points, plan.images_per_visit
    shape = (plan.n_visits, n_points, each, plan.n_packets)
    images: Floats = np.empty((*shape, int(_IS_USED.sum()), len(CHANNELS)), np.float32)
    for visit, point in np.ndindex(plan.n_visits, n_points):
        receptions = record(scene, plan, room, day=day, visit=visit, point=point)
        images[visit, point] = images_of(receptions, plan)
    stacked = images.reshape(-1, *images.shape[3:])
    visit_of, point_of, _ = np.indices((plan.n_visits, n_points, each)).reshape(3, -1)
    return Environment(
        f"d{day}",
        place,
        day,
        Signals(power_dbm(stacked), stacked),
        point_of,
        visit_of,
        is_test=np.zeros(len(stacked), np.bool_),
        is_simulated=True,
        origin=f"scene {scene.name}, seed {scene.seed}",
    )
