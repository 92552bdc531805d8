"""A flat of two rooms, simulated: small enough for tests, with frames as on the air."""

from dataclasses import replace

import numpy as np

from edge_agent.survey import Point, write_survey
from trainer.simulate.listening import place_device
from trainer.simulate.room import draw_room
from trainer.simulate.survey import START_US, SurveyPlan, capture_at, survey_room

POINTS = [
    Point("stove", 1.0, 1.0, "kitchen"),
    Point("table", 2.5, 1.2, "kitchen"),
    Point("desk", 6.0, 4.0, "office"),
    Point("shelf", 5.2, 2.5, "office"),
]
N_ACCESS_POINTS = 3
LATER_US = START_US + 3_600_000_000
"""An hour after the survey began."""

_SITE = 77


class Home:
    """The flat, and whoever records there."""

    def __init__(self, seed=11):
        self._rng = np.random.default_rng(seed)
        self.room = draw_room(
            self._rng, size=(7, 5, 2.6), free=[point.location for point in POINTS]
        )

    def survey(self, folder):
        """Write a survey of three laps; returns its list."""
        rows = survey_room(
            self._rng,
            self.room,
            POINTS,
            folder / "home",
            site=_SITE,
            plan=SurveyPlan(n_visits=3, packets_per_capture=60),
            environment="home",
        )
        write_survey(folder / "survey.csv", rows)
        return folder / "survey.csv"

    def packets(self, point, *, n_packets=150, start_us=LATER_US, power_db=0.0):
        """Packets of a device that was put down at a point.

        Args:
            point: Its number.
            n_packets: Of each access point.
            start_us: Time of the first [µs since the UNIX epoch].
            power_db: Of the first access point, more than at the survey.
        """
        power = self.room.power_dbm.copy()
        power[0] += power_db
        return capture_at(
            self._rng,
            replace(self.room, power_dbm=power),
            place_device(self._rng, *POINTS[point].location),
            site=_SITE,
            n_packets=n_packets,
            interval_s=0.05,
            start_us=start_us,
        )
