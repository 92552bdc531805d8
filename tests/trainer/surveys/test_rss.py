"""A table of samples becomes environments, in order of time."""

import numpy as np
import pytest

from trainer.surveys.report import Skips
from trainer.surveys.rss import (
    Occasion,
    RssTable,
    clean_rss,
    rank_by_time,
    rss_environments,
)


def test_environments_share_the_place_and_order_their_samples_by_visit():
    table = RssTable(
        np.array([[-50, -100], [-51, -60], [-52, -100], [-53, -70]]),
        -100.0,
        np.array([[0, 0], [1, 0], [0, 0], [2, 0]], float),
        np.array([7, 7, 3, 7]),
        np.array([1, 0, 0, 0]),
        np.array([True, False, False, False]),
    )
    occasions = {7: Occasion("late", 2), 3: Occasion("early", 1), 9: Occasion("no", 0)}

    early, late = rss_environments("hall", ("a", "b"), table, occasions, Skips())

    assert (early.name, early.order, late.name, late.order) == ("early", 1, "late", 2)
    assert early.place is late.place
    assert late.place.n_points == 3
    assert late.visit_of.tolist() == [0, 0, 1]
    assert late.signals.rss[:, 0].tolist() == [-51, -53, -50]
    assert late.locations.tolist() == [[1, 0], [2, 0], [0, 0]]
    assert late.is_test.tolist() == [False, False, True]
    assert late.signals.heard.tolist() == [[True, True], [True, True], [True, False]]


def test_samples_without_coordinates_go_and_the_others_stay():
    skips = Skips()
    table = RssTable(
        np.array([[-50.0], [-60.0]]),
        -100.0,
        np.array([[np.nan, 0], [1, 2]]),
        np.zeros(2, np.int64),
        np.zeros(2, np.int64),
        np.zeros(2, bool),
    )

    (only,) = rss_environments("hall", ("a",), table, {0: Occasion("x", 0)}, skips)

    assert only.signals.rss.tolist() == [[-60]]
    assert skips.counts == {"samples without coordinates": 1}


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.float16, np.float64])
def test_what_is_missing_becomes_nan_whatever_the_type(kind):
    cleaned = clean_rss(np.array([[-100, -35]], kind), -100, Skips())

    assert cleaned.dtype == np.float32
    assert np.isnan(cleaned[0, 0])
    assert cleaned[0, 1] == -35


def test_values_that_no_receiver_reports_are_counted():
    skips = Skips()

    cleaned = clean_rss(
        np.array([440.0, -50.0, -300.0, np.inf, np.nan, 1e300]), 100, skips
    )

    assert np.flatnonzero(np.isfinite(cleaned)).tolist() == [1]
    assert skips.counts == {"values that are no received power": 4}


def test_groups_are_ranked_by_their_first_sample():
    group = np.array([5, 5, 2, 2, 9, 8, 8])
    time = np.array([30.0, 4.0, 20.0, np.nan, np.nan, 1.0, 99.0])

    assert rank_by_time(group, time).tolist() == [1, 1, 2, 2, 3, 0, 0]
