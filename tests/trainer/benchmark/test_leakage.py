"""Leaks that are made on purpose, and must be found."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.trainer.benchmark.synthetic import environment, hall, rows_of, survey
from trainer.benchmark.errors import LeakageError
from trainer.benchmark.leakage import (
    check_causal,
    check_images,
    check_split,
    image_digests,
)
from trainer.methods.contract import Fixes
from trainer.methods.floors import RandomPoints
from trainer.methods.neighbours import NearestNeighbours
from trainer.surveys.environment import Signals

PLACE = hall(2, 1)
DAY = environment(PLACE, rows_of([0, 1], [0, 1], 2), name="today", order=3)
"""Rows 0-3 are visit 0, rows 4-7 visit 1; points 0, 0, 1, 1 in each."""


def check(shots, queries, history=(), *, target=DAY, **options):
    rows = [np.array(r, np.intp) for r in (shots, queries)]
    check_split(target, history, *rows, **options)


def past(order, name="past", place=PLACE):
    return environment(place, rows_of([0], [0]), name=name, order=order)


# -- samples ---------------------------------------------------------------------------


def test_a_later_visit_is_no_leak():
    check([0, 2], [4, 5, 6, 7])


def test_later_samples_of_the_same_visit_are_no_leak():
    check([0, 2], [1, 3])


def test_an_earlier_query_at_another_point_is_no_leak():
    check([2], [0, 1])


@pytest.mark.parametrize(
    ("shots", "queries", "found"),
    [
        ([0, 1], [1, 4], "sample 1 is shot and query"),
        ([4], [0], "point 0 is queried in visit 0, before the last shot in visit 1"),
        ([1], [0, 4], "point 0 is queried in visit 0"),
        ([0, 4], [1, 5], "point 0 is queried in visit 0"),
        ([2, 0], [4], "shots are not in order of time"),
        ([0], [5, 4], "queries are not in order of time"),
        ([0], [4, 4], "queries are not in order of time"),
    ],
)
def test_a_sample_that_gives_a_query_away_is_found(shots, queries, found):
    with pytest.raises(LeakageError, match=found):
        check(shots, queries)


def test_a_query_of_an_earlier_visit_is_found_wherever_its_row_is():
    target = replace(DAY, visit_of=1 - DAY.visit_of)

    with pytest.raises(LeakageError, match="point 0 is queried in visit 0, before"):
        check([0], [4], target=target)


def test_a_shot_at_a_point_for_testing_is_found():
    target = replace(DAY, is_test=DAY.point_of == 1)

    with pytest.raises(LeakageError, match="a shot is at a point for testing"):
        check([2], [4], target=target)


# -- history ---------------------------------------------------------------------------


def test_earlier_days_and_other_places_are_history():
    check([], [4], [past(0), past(2, "yesterday"), past(9, "far", hall(name="far"))])


@pytest.mark.parametrize("order", [3, 4])
def test_a_day_that_is_not_earlier_is_found(order):
    with pytest.raises(LeakageError, match=rf"past \(order {order}\) is history of"):
        check([], [4], [past(order)])


def test_ties_are_no_leak_where_the_protocol_allows_them():
    check([], [4], [past(3)], ties=True)
    with pytest.raises(LeakageError, match="not earlier"):
        check([], [4], [past(4)], ties=True)


def test_a_target_in_its_own_history_is_found():
    with pytest.raises(LeakageError, match="today is in its own history"):
        check([], [4], [DAY], ties=True)


# -- images ----------------------------------------------------------------------------


def test_an_image_that_was_seen_before_is_found():
    day = survey(1, is_csi=True)[0].signals
    known = image_digests(day.select(slice(0, 10)))

    check_images(known, day.select(slice(10, 20)))
    with pytest.raises(LeakageError, match="2 images to be located are in history"):
        check_images(known, day.select(slice(8, 20)))


def test_images_in_which_nothing_was_heard_are_not_told_apart():
    silent = Signals(
        np.full((2, 4), np.nan, np.float32), np.zeros((2, 2, 3, 4), np.float32)
    )

    assert image_digests(silent) == []


def test_fingerprints_may_be_the_same_twice():
    assert image_digests(survey(1)[0].signals) == []


# -- causality -------------------------------------------------------------------------


@dataclass(frozen=True)
class MeanOfAll:
    """Looks at later signals."""

    def locate(self, signals):
        mean = signals.rss.mean() if len(signals) else 0.0
        return Fixes(np.full((len(signals), 2), mean, np.float64))


@dataclass(frozen=True)
class MeanSoFar:
    """Looks at earlier signals."""

    def locate(self, signals):
        n = len(signals)
        mean = signals.rss.mean(axis=1).cumsum() / (1 + np.arange(n))
        return Fixes(np.tile(mean[:, None], (1, 2)))


@dataclass(frozen=True)
class PosteriorOfAll:
    """Hides it in the posterior."""

    def locate(self, signals):
        posterior = np.full((len(signals), 2), 1 / max(len(signals), 1))
        return Fixes(np.zeros((len(signals), 2)), posterior)


SIGNALS = survey(1)[0].signals


def test_a_fix_may_depend_on_earlier_signals():
    check_causal(MeanSoFar(), SIGNALS)


@pytest.mark.parametrize("locator", [MeanOfAll(), PosteriorOfAll()], ids=repr)
def test_a_fix_that_depends_on_later_signals_is_found(locator):
    with pytest.raises(LeakageError, match="later queries, the fixes of the first"):
        check_causal(locator, SIGNALS)


@pytest.mark.parametrize(
    "method", [NearestNeighbours("1nn", "1-NN", 1), RandomPoints()], ids=repr
)
def test_real_methods_are_causal(method, rng):
    day = survey(1)[0]

    check_causal(method.learn((), rng).calibrate(day.place, day), day.signals)
