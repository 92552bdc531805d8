"""CSUIndoorLoc-Het: compact copies."""

import numpy as np
import pytest

from tests.trainer.survey_files import named, write_compact
from trainer.surveys.registry import load_survey, load_survey_with_report
from trainer.surveys.report import SurveyDataError


def arrays(**replaced):
    return {
        "phones": np.array(["BLU", "S7"]),
        "missing": np.array(-100),
        "glover_rss": np.array([[-50, -100], [440, -60], [-70, -80]], np.int16),
        "glover_xy": np.array([[19.0, 38.0], [38.0, 38.0], [19.0, 38.0]]),
        "glover_phone": np.array([1, 0, 1], np.int8),
        "glover_role": np.array([1, 0, 0], np.uint8),
        "glover_bssid": np.array(["a", "b"]),
    } | replaced


def test_pixels_become_metres_and_phones_environments(tmp_path):
    write_compact(tmp_path, "csuhet_rss.npz", **arrays())

    environments, report = load_survey_with_report("csuhet", tmp_path)

    phones = named(environments)
    assert sorted(phones) == ["glover-BLU", "glover-S7"]
    s7 = phones["glover-S7"]
    assert s7.place.name == "csuhet/glover"
    assert s7.place.locations.tolist() == [[1, 2], [2, 2]]
    assert s7.visit_of.tolist() == [0, 1]
    assert s7.signals.rss[:, 0].tolist() == [-70, -50]
    assert not s7.is_test.any()
    assert report.skipped == {"values that are no received power": 1}


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"glover_phone": np.array([2, 0, 1])}, "none of the 2 phones"),
        ({"glover_phone": np.array([0, np.nan, 1])}, "glover_phone holds nan"),
        ({"glover_role": np.zeros(2)}, "glover_role has shape"),
        ({"glover_role": np.array([0, 2, 1])}, "glover_role holds 2"),
        ({"phones": np.zeros(2)}, "phones is of float64, expected text"),
        ({"glover_rss": np.zeros((3, 2), complex)}, "is of complex128, expected real"),
        ({"missing": np.zeros(2)}, "missing has shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, replaced, message):
    write_compact(tmp_path, "csuhet_rss.npz", **arrays(**replaced))

    with pytest.raises(SurveyDataError, match=message):
        load_survey("csuhet", tmp_path)


def test_buildings_whose_scale_is_not_known_are_counted(tmp_path):
    write_compact(
        tmp_path, "csuhet_rss.npz", **arrays(library_rss=np.zeros((2, 2)), other=[1])
    )

    environments, report = load_survey_with_report("csuhet", tmp_path)

    assert {e.place.name for e in environments} == {"csuhet/glover"}
    assert report.skipped["buildings whose scale is not known"] == 1


def test_a_copy_without_a_building_is_refused(tmp_path):
    write_compact(tmp_path, "csuhet_rss.npz", phones=np.array(["S7"]))

    with pytest.raises(SurveyDataError, match="none of the buildings engr0"):
        load_survey("csuhet", tmp_path)


def test_the_real_copy_has_points_about_a_metre_apart(shared_data):
    data = shared_data("surveys/csuhet_rss.npz").parent.parent

    environments = load_survey("csuhet:compact", data)

    points = {e.place.name: e.n_points for e in environments}
    assert points["csuhet/engr0"] == 61
    assert points["csuhet/glover"] == 88
    for environment in environments:
        xy = environment.place.locations
        gaps = np.linalg.norm(xy[:, None] - xy[None], axis=2)
        np.fill_diagonal(gaps, np.inf)
        assert 0.5 < np.median(gaps.min(axis=1)) < 1.5
