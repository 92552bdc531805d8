"""What five nearest reference points give on real surveys: numbers known beforehand.

K = 5, plain mean of the coordinates, every point the mean of its first n scans, not
heard is -100 dBm: found when the surveys were first opened, with other code.
"""

import numpy as np
import pytest

from trainer.surveys.registry import load_survey


def error_of_five_nearest(environment, n):
    rss = np.nan_to_num(environment.signals.rss, nan=-100.0)
    of_reference = np.where(environment.is_test, -1, environment.point_of)
    points = np.unique(of_reference[of_reference >= 0])
    means = np.stack(
        [rss[np.flatnonzero(of_reference == p)[:n]].mean(axis=0) for p in points]
    )
    queries = rss[environment.is_test]
    distances = (
        np.square(queries).sum(axis=1)[:, None]
        + np.square(means).sum(axis=1)[None]
        - 2 * queries @ means.T
    )
    nearest = points[np.argsort(distances, axis=1)[:, :5]]
    found = environment.place.locations[nearest].mean(axis=1)
    truth = environment.locations[environment.is_test]
    return np.linalg.norm(found - truth, axis=1)


@pytest.mark.parametrize(
    ("name", "every", "n", "mean_m"),
    [
        ("mtloc", 8, 7, 1.10),
        ("mtloc", 8, 3, 1.13),
        ("ncepu", 1, 10, 2.20),
        ("ncepu", 1, 3, 2.27),
    ],
)
def test_the_same_day_is_located_as_well_as_it_was(shared_data, name, every, n, mean_m):
    data = shared_data("surveys").parent

    environments = load_survey(f"{name}:compact", data)[::every]

    errors = np.concatenate([error_of_five_nearest(e, n) for e in environments])
    assert errors.mean() == pytest.approx(mean_m, abs=0.03)


def test_the_middle_of_the_office_is_as_far_as_it_was(shared_data):
    data = shared_data("surveys").parent

    day = load_survey("mtloc:compact", data)[0]

    reference = day.locations[~day.is_test].mean(axis=0)
    far = np.linalg.norm(day.locations[day.is_test] - reference, axis=1).mean()
    assert far == pytest.approx(12.24, abs=0.15)
