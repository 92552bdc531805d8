"""CRISLoc: MATLAB files by hand, the compact copy, and the originals."""

import numpy as np
import pytest
import scipy.io

from tests.trainer.survey_files import named
from trainer.surveys.crisloc import from_compact, from_original, passes
from trainer.surveys.registry import load_survey
from trainer.surveys.report import Skips, SurveyDataError

LEVEL = np.log10(1e-5 / 49) / 2
"""lg amplitude of each of 49 tones of a packet of -50 dBm."""


def write_laboratory(root, positions, *values, prefix="research_laboratory"):
    positions = np.array(positions, float)
    scipy.io.savemat(root / f"{prefix}_position.mat", {"position": positions})
    for number, value in values:
        csi = np.broadcast_to(np.asarray(value, float).T, (49, len(positions))).T
        scipy.io.savemat(root / f"{prefix}_AP{number}.mat", {"CSI": csi})


def lab_arrays(**replaced):
    """Twelve packets at one of two points, heard by two access points."""
    return {
        "lab_amp": np.full((12, 49, 2), LEVEL, np.float32),
        "lab_pt": np.full(12, 1),
        "lab_pass": np.zeros(12, np.int8),
        "lab_xy": np.array([[0.0, 0.0], [1.0, 2.0]]),
    } | replaced


def read(arrays, tmp_path, **options):
    skips = Skips()
    return from_compact(tmp_path, arrays, skips, **options), skips.counts


# -- originals -------------------------------------------------------------------------


def test_access_points_are_channels_and_the_sum_of_the_tones_is_the_power(tmp_path):
    write_laboratory(tmp_path, [[1, 2]] * 10, (10, LEVEL), (2, LEVEL - 0.5))

    (lab,) = from_original(tmp_path, Skips())

    assert lab.place.name == "crisloc/lab"
    assert lab.place.channels == ("AP2", "AP10")
    np.testing.assert_allclose(lab.signals.rss, [[-60, -50]], atol=1e-4)
    np.testing.assert_allclose(lab.signals.images[..., 1], np.sqrt(10), rtol=1e-5)


def test_a_pass_ends_where_a_point_comes_up_again():
    a, b, c = [0, 0], [1, 0], [2, 0]
    order = np.array([a, a, b, c, c, a, b, b, a], float)

    assert passes(order).tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 2]


def test_packets_without_a_position_end_no_pass():
    """Neither as a point of their own, nor as the origin, nor as an interruption."""
    nowhere, origin, b = [np.nan, np.nan], [0, 0], [1, 0]
    order = [origin, nowhere, origin, nowhere, b, [np.inf, 0], b, origin, nowhere]

    assert passes(np.array(order, float)).tolist() == [0] * 7 + [1, 1]


def test_a_point_is_the_same_to_a_millimetre_when_it_comes_up_again():
    order = [[0.1, 0], [1, 0], [0.1 + 1e-9, -0.0], [1, 1e-4]]

    assert passes(np.array(order)).tolist() == [0, 0, 1, 1]


def test_passes_are_visits(tmp_path):
    positions = [[0, 0]] * 11 + [[1, 0]] * 10 + [[0, 0]] * 20
    write_laboratory(tmp_path, positions, (1, LEVEL))
    skips = Skips()

    (lab,) = from_original(tmp_path, skips)

    assert lab.visit_of.tolist() == [0, 0, 1, 1]
    assert lab.locations.tolist() == [[0, 0], [1, 0], [0, 0], [0, 0]]
    assert skips.counts == {"packets after the last full image": 1}


def test_the_areas_of_the_academic_building_are_told_by_their_coordinates(tmp_path):
    corners = [[3.0, 5.0]] * 10 + [[12.78, 1.27]] * 10 + [[16.0, 4.0]] * 10
    write_laboratory(tmp_path, corners, (1, LEVEL), prefix="academic_building")

    areas = named(from_original(tmp_path, Skips()))

    assert {name: area.locations.tolist() for name, area in areas.items()} == {
        "lobby": [[3.0, 5.0]],
        "corridor": [[12.78, 1.27]],
        "office": [[16.0, 4.0]],
    }


def test_positions_without_a_number_are_counted(tmp_path):
    positions = [[np.nan, np.nan]] * 10 + [[0, 0]] * 10
    write_laboratory(tmp_path, positions, (1, LEVEL))
    skips = Skips()

    (lab,) = from_original(tmp_path, skips)

    assert lab.locations.tolist() == [[0, 0]]
    assert skips.counts == {"samples without coordinates": 10}


def test_files_that_do_not_fit_together_are_named(tmp_path):
    write_laboratory(tmp_path, [[0, 0]] * 10, (1, LEVEL))
    write_laboratory(tmp_path / "..", [[0, 0]] * 10)
    scipy.io.savemat(
        tmp_path / "research_laboratory_AP2.mat", {"CSI": np.zeros((9, 49))}
    )

    with pytest.raises(SurveyDataError, match=r"AP2\.mat: CSI has shape \(9, 49\)"):
        from_original(tmp_path, Skips())


def test_positions_of_three_coordinates_are_refused(tmp_path):
    write_laboratory(tmp_path, [[0, 0, 0]] * 10, (1, LEVEL))

    with pytest.raises(SurveyDataError, match="3 columns, not 2"):
        from_original(tmp_path, Skips())


def test_an_access_point_that_is_there_twice_is_refused(tmp_path):
    write_laboratory(tmp_path, [[0, 0]] * 10, (1, LEVEL), ("01", LEVEL))

    with pytest.raises(SurveyDataError, match=r"AP01\.mat and .*AP1\.mat are the same"):
        from_original(tmp_path, Skips())


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(SurveyDataError, match="neither research_laboratory_AP"):
        from_original(tmp_path, Skips())


def test_a_damaged_file_is_named(tmp_path):
    write_laboratory(tmp_path, [[0, 0]] * 10, (1, LEVEL))
    path = tmp_path / "research_laboratory_AP1.mat"
    path.write_bytes(path.read_bytes()[:200])

    with pytest.raises(SurveyDataError, match=r"AP1\.mat cannot be read"):
        from_original(tmp_path, Skips())


def test_a_missing_position_file_is_named(tmp_path):
    write_laboratory(tmp_path, [[0, 0]] * 10, (1, LEVEL))
    (tmp_path / "research_laboratory_position.mat").unlink()

    with pytest.raises(SurveyDataError, match=r"position\.mat cannot be read"):
        from_original(tmp_path, Skips())


# -- compact copies --------------------------------------------------------------------


def test_only_points_with_samples_and_coordinates_are_of_the_place(tmp_path):
    (lab,), skipped = read(lab_arrays(), tmp_path)

    assert lab.place.locations.tolist() == [[1, 2]]
    assert skipped == {"packets after the last full image": 2}


def test_images_may_have_other_numbers_of_packets(tmp_path):
    (lab,), _ = read(lab_arrays(), tmp_path, n_packets=4)

    assert lab.signals.images.shape == (3, 4, 49, 2)


def test_minus_six_is_silence(tmp_path):
    amp = np.full((10, 49, 2), LEVEL, np.float32)
    amp[:5, :, 0] = -6  # half of the packets
    amp[:, :, 1] = -6
    arrays = lab_arrays(
        lab_amp=amp, lab_pt=np.ones(10, int), lab_pass=np.zeros(10, int)
    )

    (lab,), _ = read(arrays, tmp_path)

    assert lab.signals.heard.tolist() == [[True, False]]
    assert lab.signals.rss[0, 0] == pytest.approx(-50, abs=1e-4)
    assert not lab.signals.images[0, :5, :, 0].any()


def test_values_that_are_not_finite_are_counted(tmp_path):
    amp = np.full((14, 49, 2), LEVEL, np.float64)
    amp[[0, 3, 5, 7], 0, 0] = [np.nan, -np.inf, 20, 400]  # 10^20 squared, 10^400

    (lab,), skipped = read(
        lab_arrays(lab_amp=amp, lab_pt=np.ones(14, int), lab_pass=np.zeros(14)),
        tmp_path,
    )

    assert len(lab) == 1
    assert skipped == {"packets that are not finite": 4}


def test_areas_are_places_of_their_own_and_those_without_coordinates_go(tmp_path):
    arrays = {
        "acad_amp": np.full((40, 49, 3), LEVEL, np.float16),
        "acad_pt": np.repeat([0, 1, 2, 3], 10),
        "acad_pass": np.zeros(40, np.int8),
        "acad_xy": np.array([[0, 0], [1, 0], [2, 0], [np.nan, np.nan]]),
        "acad_area": np.array([0, 1, 7, 2], np.int8),
    }

    environments, skipped = read(arrays, tmp_path)

    places = {e.name: e.place.name for e in environments}
    assert places == {
        "lobby": "crisloc/lobby",
        "corridor": "crisloc/corridor",
        "area7": "crisloc/area7",
    }
    assert skipped == {"samples without coordinates": 10}


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"lab_pt": np.full(12, 2)}, "none of the 2"),
        ({"lab_pt": np.full(12, np.nan)}, "lab_pt holds nan"),
        ({"lab_pass": np.full(12, 0.5)}, "lab_pass holds 0.5"),
        ({"lab_amp": np.zeros((12, 0, 2))}, r"lab_amp has shape \(12, 0, 2\)"),
        ({"lab_amp": np.full((12, 49, 2), "x")}, "lab_amp is of <U1"),
        ({"lab_pass": np.zeros(3)}, "lab_pass has shape"),
        ({"lab_xy": np.full((2, 2), np.nan)}, "neither lab_amp nor acad_amp"),
        (
            {
                "acad_amp": np.zeros((1, 49, 1)),
                "acad_pt": np.zeros(1, int),
                "acad_pass": np.zeros(1),
                "acad_xy": np.zeros((1, 2)),
            },
            "lacks the array acad_area",
        ),
    ],
)
def test_arrays_that_make_no_sense_are_refused(tmp_path, replaced, message):
    with pytest.raises(SurveyDataError, match=message):
        read(lab_arrays(**replaced), tmp_path)


# -- the real one ----------------------------------------------------------------------


def test_originals_give_what_the_compact_copy_gives(shared_data):
    shared_data("raw/crisloc")
    data = shared_data("surveys/crisloc_csi.npz").parent.parent
    copy = named(load_survey("crisloc:compact", data))["lab"]

    (lab,) = load_survey("crisloc:raw", data)

    assert lab.place.channels == ("AP1", "AP2", "AP3")
    np.testing.assert_array_equal(lab.visit_of, copy.visit_of)
    np.testing.assert_array_equal(lab.locations, copy.locations)
    np.testing.assert_allclose(
        lab.signals.rss, copy.signals.rss[:, :3], atol=0.02, rtol=0
    )
    np.testing.assert_allclose(
        lab.signals.images, copy.signals.images[..., :3], rtol=5e-3
    )


def test_the_laboratory_is_a_grid_of_ninety_points_in_whole_dbm(shared_data):
    data = shared_data("surveys/crisloc_csi.npz").parent.parent

    areas = named(load_survey("crisloc", data))

    assert areas["lab"].n_points == 90
    assert len(areas["lab"].place.channels) == 9
    assert np.unique(areas["lab"].visit_of).tolist() == [0, 1, 2]
    power = 10 * np.log10(np.square(areas["lab"].signals.images).mean(axis=2)) - 60
    assert (np.abs(power - np.rint(power)) < 0.05).mean() > 0.99
    assert areas["corridor"].n_points == 32
