"""A hall and a laboratory like the paper's, simulated: five days, 90 points each.

    Scene    the place: grid, room, what is in it and how much of it changes
    Plan     how much is recorded of it

No radio has received any of it. Grids are those of the authors' code; the rooms are of
the sizes that the paper states: 12 m by 5 m, almost empty, in sight of the access
points, and 10 m by 8 m with desks and computers in between. Channel and receiver are
those of `trainer.simulate`, at 5.18 GHz and 20 MHz; amplitudes are whole counts as the
chip reports them, and their level is restored from the RSSI of each packet.

Days differ from what they have in common, not each from the one before: in recordings
the same point changes by 4.7 dB to the next day, and by 5.0 dB in weeks. How like
recordings they are: docs/surveys.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.simulate.receiver import Reception, place_device, receive
from trainer.simulate.room import TONES, Room, draw_room, next_day
from trainer.surveys.environment import Environment, Floats, Place, Signals
from trainer.surveys.grids import grid
from trainer.surveys.points import make_place
from trainer.surveys.power import power_dbm, with_power
from trainer.surveys.report import SurveyDataError

CHANNELS = ("AP1", "AP2", "AP3")
_LAST_TONE = 26
"""Images hold the 52 tones that a legacy frame has, as the device's do."""

_IS_USED = np.abs(TONES) <= _LAST_TONE
_ROOM, _VISIT = 0, 1
"""What a stream of chance is for; each has its own, so that nothing that is recorded
depends on how much else is."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A place to be surveyed."""

    name: str
    """Of the survey and its place."""

    points: npt.NDArray[np.float64]
    """Coordinates on the map [m], in lexicographic order, shape (n_points, 2)."""

    corner: tuple[float, float]
    """Where in the room the map's origin is [m]."""

    size: tuple[float, float, float]
    """Length, width and height of the room [m]."""

    tail_db: float
    """Power of the diffuse tail relative to the direct path at 4 m [dB]."""

    tail_delay_s: float
    """Decay time of the diffuse tail [s]."""

    direct_db: float
    """What obstacles leave of the direct path [dB]."""

    moved: float
    """Share of scatterers and diffuse waves that a day has of its own."""

    motion_share: float
    """Amplitude that people add to and take from every path but the direct one."""

    placement_m: float
    """How exactly the device is put back to a point."""

    seed: int
    """Another seed gives another such place."""


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


HALL = Scene(
    name="simhall",
    points=grid("hall"),
    corner=(1.8, 1.0),
    size=(12.0, 5.0, 3.5),
    tail_db=-1.0,
    tail_delay_s=30e-9,
    direct_db=0.0,
    moved=0.3,
    motion_share=0.35,
    placement_m=0.004,
    seed=2022_06_09,
)
LAB = Scene(
    name="simlab",
    points=grid("lab"),
    corner=(0.4, 0.8),
    size=(8.0, 10.0, 3.0),
    tail_db=3.0,
    tail_delay_s=40e-9,
    direct_db=-10.0,
    moved=0.25,
    motion_share=0.3,
    placement_m=0.0035,
    seed=2022_07_21,
)
PAPER_PLAN = Plan()
"""Reduced: the paper has 52 images of a point and day."""

_SCENES = {scene.name: scene for scene in (HALL, LAB)}


def simulate(name: str) -> list[Environment]:
    """Return a survey in full, always the same; fifteen seconds, 225 MB.

    Args:
        name: ``simhall`` or ``simlab``.

    Raises:
        SurveyDataError: There is no such scene.
    """
    if name not in _SCENES:
        raise SurveyDataError(f"no scene {name!r}; there are {', '.join(_SCENES)}")
    return survey_scene(_SCENES[name], PAPER_PLAN)


def survey_scene(scene: Scene, plan: Plan) -> list[Environment]:
    """Return one environment per day, ``d1`` to ``d5``, samples in order of time."""
    place, _ = make_place(scene.name, scene.points, CHANNELS)
    return [
        _day(scene, plan, place, room, day)
        for day, room in enumerate(rooms(scene, plan.n_days), 1)
    ]


def rooms(scene: Scene, n_days: int) -> list[Room]:
    """Return the room on each day."""
    chance = [np.random.default_rng([scene.seed, _ROOM, d]) for d in range(n_days + 1)]
    usual = draw_room(
        chance[0],
        size=scene.size,
        partitions=[],
        tail_db=scene.tail_db,
        tail_delay_s=scene.tail_delay_s,
        direct_db=scene.direct_db,
    )
    return [next_day(usual, rng, moved=scene.moved) for rng in chance[1:]]


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
    x, y = scene.points[point] + scene.corner
    where = place_device(rng, x, y, placement_m=scene.placement_m)
    return [
        receive(
            rng,
            room,
            access_point,
            where,
            n_packets=plan.images_per_visit * plan.n_packets,
            interval_s=plan.interval_s,
            motion_share=scene.motion_share,
        )
        for access_point in range(len(CHANNELS))
    ]


def images_of(receptions: Sequence[Reception], n_packets: int) -> Floats:
    """Return images of consecutive packets, their level restored.

    Args:
        receptions: Of the access points, whole images of packets each.
        n_packets: Per image.

    Returns:
        [√nW], shape (n_images, n_packets, n_tones, n_aps).
    """
    channels = [
        with_power(np.abs(heard.csi[:, _IS_USED]), heard.rssi_dbm.astype(np.float64))
        for heard in receptions
    ]
    packets = np.stack(channels, axis=-1)
    return packets.reshape(-1, n_packets, *packets.shape[1:])


def _day(scene: Scene, plan: Plan, place: Place, room: Room, day: int) -> Environment:
    n_points, each = place.n_points, plan.images_per_visit
    shape = (plan.n_visits, n_points, each, plan.n_packets)
    images: Floats = np.empty((*shape, int(_IS_USED.sum()), len(CHANNELS)), np.float32)
    for visit, point in np.ndindex(plan.n_visits, n_points):
        receptions = record(scene, plan, room, day=day, visit=visit, point=point)
        images[visit, point] = images_of(receptions, plan.n_packets)
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
    )
