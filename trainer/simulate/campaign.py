"""What is recorded in the hall or the laboratory, when, and with which chip.

    campaign   days x visits x points; an environment per day
    slot       one of them: one capture of some images, three access points

Everything about a slot follows from the campaign and the slot's own stream of chance:
it does not depend on which slots are recorded before it, nor on whether they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from edge_agent.csi.raw import RawFrames
from edge_agent.survey import Point
from trainer.errors import TrainerError
from trainer.simulate.firmware import Firmware, FrameKind
from trainer.simulate.listening import listen
from trainer.simulate.nexmon import packet_type
from trainer.simulate.receiver import FrontEnd
from trainer.simulate.recording import beacons, record, with_spares
from trainer.simulate.room import Room
from trainer.simulate.scenes import SCENES, Scene
from trainer.simulate.survey import START_US
from trainer.simulate.tones import used_tones

N_ACCESS_POINTS = 3
INTERVAL_S = 0.1
"""Between packets of one access point: beacons."""

_SITES = {"hall": 253, "lab": 254}
_MOST_SEEDS = 64
"""Of one scene that can be told apart by the transmitters' addresses."""

_VISIT = 2
"""Stream of chance, beside those of `trainer.simulate.scenes`."""

_WALK_US = 5_000_000
"""From one point to the next."""

_DAY_US = 86_400_000_000
_MOST = 10_000
"""Days, visits, images or packets: beyond it, somebody mistyped."""

_MOST_CAPTURES = 100_000
_MOST_WORDS = 40_000_000
"""Of one capture, which is simulated in one piece: 2 GB of memory."""

_LAST_US = 2**32 * 1_000_000
"""In February 2106, where the seconds of pcap files end."""


class CampaignError(TrainerError):
    """A campaign that nobody can record."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Slot:
    """One capture of a campaign."""

    day: int
    """From 1."""

    visit: int
    """From 1, within the day; the device is put down anew in each."""

    point: int
    """Number in the scene."""

    n_images: int
    """Packets for so many images are recorded of every access point."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """How much is recorded; the paper's amount by default."""

    scene_name: str
    """``hall`` or ``lab``."""

    n_points: int = 90
    """Of the scene's 90, spread evenly over them."""

    n_days: int = 5
    n_visits: int = 2
    """A day: the points are gone over so often, as shots and queries must be apart."""

    n_images: int = 52
    """Of a point, on a day."""

    n_packets: int = 50
    """Per image and access point."""

    firmware: Firmware = field(default_factory=Firmware)

    seed: int = 0
    """0 is the place of `trainer surveys`; another seed is another such place."""

    def __post_init__(self) -> None:
        if self.scene_name not in SCENES:
            raise CampaignError(
                f"no scene {self.scene_name!r}; there are {', '.join(SCENES)}"
            )
        grid = len(SCENES[self.scene_name].points)
        if not 1 <= self.n_points <= grid:
            raise CampaignError(
                f"{self.n_points} points: the grid of the {self.scene_name} has 1 to "
                f"{grid}"
            )
        for name in ("n_days", "n_visits", "n_images", "n_packets"):
            value, said = getattr(self, name), name.removeprefix("n_")
            if not 1 <= value <= _MOST:
                raise CampaignError(f"--{said} is {value}, not 1 to {_MOST}")
        if self.n_visits > self.n_images:
            raise CampaignError(
                f"{self.n_images} images of a point and day cannot come from "
                f"{self.n_visits} visits: have at most as many visits as images"
            )
        if self.seed < 0:
            raise CampaignError(f"--seed is {self.seed}, not 0 or more")
        self._check_amount()

    def _check_amount(self) -> None:
        """Refuse what each number allows, and all of them together do not."""
        n_captures = self.n_days * self.n_visits * self.n_points
        if n_captures > _MOST_CAPTURES:
            raise CampaignError(
                f"{n_captures} captures, one of each point, visit and day, are more "
                f"than {_MOST_CAPTURES}: have fewer of these"
            )
        n_frames = self._longest_visit * self.n_packets * N_ACCESS_POINTS
        n_words = n_frames * self.firmware.n_words
        if n_words > _MOST_WORDS:
            raise CampaignError(
                f"{n_frames} frames of {self.firmware.n_words} words in a capture are "
                f"{n_words} words, more than {_MOST_WORDS}: have more visits, or fewer "
                "images or packets"
            )
        if START_US + self.n_days * self._day_us > _LAST_US:
            raise CampaignError(
                f"{self.n_days} days of {self.n_visits} visits would go on after "
                "February 2106: have fewer days, visits, images or packets"
            )

    @property
    def scene(self) -> Scene:
        """The place."""
        scene = SCENES[self.scene_name]
        return replace(scene, seed=scene.seed + self.seed)

    @property
    def points(self) -> list[int]:
        """Numbers of the points that are surveyed, ascending."""
        grid = len(self.scene.points)
        chosen = np.linspace(0, grid - 1, self.n_points).round()
        return [int(number) for number in chosen]

    def slots(self) -> Iterator[Slot]:
        """Yield all captures in order of time."""
        least, more = divmod(self.n_images, self.n_visits)
        for day in range(1, self.n_days + 1):
            for visit in range(1, self.n_visits + 1):
                n_images = least + (visit <= more)
                for point in self.points:
                    yield Slot(day, visit, point, n_images)

    def point(self, slot: Slot) -> Point:
        """Return where a slot is recorded; points count from 1."""
        x, y = self.scene.points[slot.point]
        return Point(f"p{slot.point + 1:02d}", round(float(x), 2), round(float(y), 2))

    def environment(self, slot: Slot) -> str:
        """Return the name of the day, as in ``hall-day1``."""
        return f"{self.scene_name}-day{slot.day}"

    def start_us(self, slot: Slot) -> int:
        """Return when a slot begins [µs since the UNIX epoch].

        It is the same whether all points are surveyed or a few.
        """
        number = (slot.visit - 1) * len(self.scene.points) + slot.point
        since_us = (slot.day - 1) * self._day_us + number * self._each_us
        return START_US + since_us

    @property
    def _longest_visit(self) -> int:
        """Images of a point in the visit that has most."""
        return -(-self.n_images // self.n_visits)

    @property
    def _each_us(self) -> int:
        """From the start of one capture to that of the next [µs]."""
        n_sent = with_spares(self._longest_visit * self.n_packets)
        return round(n_sent * INTERVAL_S * 1e6) + _WALK_US

    @property
    def _day_us(self) -> int:
        """From the start of one day to that of the next: whole days [µs]."""
        lap_us = self.n_visits * len(self.scene.points) * self._each_us
        return -(-lap_us // _DAY_US) * _DAY_US

    def n_frames(self, slot: Slot) -> int:
        """Return how many CSI frames a slot has, if all access points are near."""
        return slot.n_images * self.n_packets * N_ACCESS_POINTS

    @property
    def frame_bytes(self) -> int:
        """Length of every packet."""
        return packet_type(self.firmware).itemsize


def record_slot(campaign: Campaign, slot: Slot) -> RawFrames:
    """Return the packets of one capture.

    Raises:
        RoomError: There can be no such room.
        FirmwareError: The chip cannot report it.
    """
    scene, firmware = campaign.scene, campaign.firmware
    rng = np.random.default_rng([scene.seed, _VISIT, slot.day, slot.visit, slot.point])
    bandwidth = firmware.bandwidth_mhz
    tones = used_tones(bandwidth)
    n_kept = slot.n_images * campaign.n_packets
    receptions = listen(
        rng,
        replace(
            _room(campaign.scene_name, campaign.seed, slot.day),
            carrier_hz=firmware.carrier_hz,
        ),
        scene.place(rng, slot.point),
        n_packets=with_spares(n_kept),
        interval_s=INTERVAL_S,
        n_people=scene.n_people,
        tones=tones,
        front_end=FrontEnd(word_format=firmware.word_format),
    )
    heard = beacons(
        rng,
        receptions,
        site=_SITES[campaign.scene_name],
        first=4 * (campaign.seed % _MOST_SEEDS),
        start_us=campaign.start_us(slot),
        interval_s=INTERVAL_S,
        n_kept=n_kept,
    )
    # Beacons are 20 MHz wide, whatever the channel is.
    kind = FrameKind.BEACON if bandwidth == 20 else FrameKind.QOS_DATA
    return record(firmware, heard, tones, rng, kind=kind)


@lru_cache(maxsize=4)
def _room(scene_name: str, seed: int, day: int) -> Room:
    """Return the room on a day; a campaign stays with a day for long."""
    scene = SCENES[scene_name]
    return replace(scene, seed=scene.seed + seed).on_day(day)
