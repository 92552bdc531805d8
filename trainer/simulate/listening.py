"""A device is put down in a room and hears all access points for a while."""

import numpy as np

from trainer.simulate.channel import observe
from trainer.simulate.filters import filter_gains
from trainer.simulate.materials import Floats
from trainer.simulate.people import draw_people
from trainer.simulate.receiver import MEASURED, FrontEnd, Reception, receive
from trainer.simulate.room import Room
from trainer.simulate.tones import TONES, Tones

PLACEMENT_M = 0.004
"""How exactly a device is put back to a point."""

HEIGHT_M = 1.1
"""Above the floor."""

N_PEOPLE, WALKING = 2, 0.3
"""In a room, and the share of them that walk."""


def place_device(
    rng: np.random.Generator,
    x: float,
    y: float,
    *,
    height: float = HEIGHT_M,
    placement_m: float = PLACEMENT_M,
) -> Floats:
    """Return where a device stands that was put down at (x, y) [m], shape (1, 3).

    Args:
        rng: Source of the displacement.
        x: [m].
        y: [m].
        height: [m].
        placement_m: Standard deviation of the displacement along each axis.
    """
    dx, dy = rng.normal(0, placement_m, 2)
    return np.array([[x + dx, y + dy, height]])


def listen(
    rng: np.random.Generator,
    room: Room,
    places: Floats,
    *,
    n_packets: int,
    interval_s: float,
    n_people: int = N_PEOPLE,
    tones: Tones = TONES,
    front_end: FrontEnd = MEASURED,
) -> list[Reception]:
    """Return what a device reports of all access points, the same people being there.

    Args:
        rng: Source of people, motion, noise and losses.
        room: The room on its day.
        places: Of the device [m], shape (n_packets, 3), or (1, 3) when it rests.
        n_packets: Sent by each access point.
        interval_s: Between packets of one access point [s].
        n_people: How many people are about.
        tones: Subcarriers.
        front_end: The receiver.

    Returns:
        One reception per access point.

    Raises:
        RoomError: See `trainer.simulate.channel.observe`.
    """
    people = draw_people(
        rng,
        room.size,
        n_people=n_people,
        walking=WALKING,
        n_packets=n_packets,
        interval_s=interval_s,
    )
    last = int(np.abs(tones).max())
    receptions = []
    for access_point in range(room.n_aps):
        channel = observe(
            rng,
            room,
            access_point,
            places,
            n_packets=n_packets,
            interval_s=interval_s,
            people=people,
            tones=tones,
        )
        receptions.append(
            receive(
                rng,
                channel,
                interval_s=interval_s,
                tones=tones,
                filter_gains=filter_gains(room.filters[access_point], tones, last),
                front_end=front_end,
            )
        )
    return receptions
