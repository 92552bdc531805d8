"""A survey as a recording, read back as the device's commands read it."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.capture_file import CaptureFile
from edge_agent.csi.image import ImageSpec
from edge_agent.csi.simulated import says_simulated
from edge_agent.recording import record_environment
from edge_agent.survey import read_survey
from tests.trainer.days import day, hall, images, power
from trainer.errors import UsageError
from trainer.neighbours.learn import learn_neighbours
from trainer.surveys.device_images import device_environment
from trainer.surveys.recording import write_recording
from trainer.surveys.registry import load_survey, survey_card
from trainer.surveys.report import SurveyDataError

POLYU, RSS = survey_card("polyu"), survey_card("uji")
SPEC = ImageSpec(n_packets=6, n_tones=52, n_channels=2)
PLACE = hall([(0, 0), (2.5, 0), (0, 4)], 2, floors=[0, 0, 1])
DAY_S = 86_400


def surveyed(
    rng, name="d02", order=2, *, points=(0, 1, 2, 0, 1), visits=(1, 1, 1, 4, 4)
):
    """One image of six packets per visit and point, of 30 tones over 40 MHz."""
    shape = (len(points), SPEC.n_packets, 30, 2)
    signals = images(rng.uniform(1, 20, shape))
    signals = replace(signals, rss=np.full((len(points), 2), -50, np.float32))
    return day(PLACE, signals, points, visits=visits, name=name, order=order)


def written(folder, *days, card=POLYU, **options):
    paths, skips = write_recording(folder, days, card, spec=SPEC, **options)
    return [read_survey(path) for path in paths], skips


def first_time_s(capture):
    with CaptureFile(capture) as file:
        return next(iter(file)).time_ns[0] / 1e9


def test_images_of_the_recording_are_those_of_the_survey_within_two_pixels(
    rng, tmp_path
):
    one = surveyed(rng)
    ((*captures,),), _ = written(tmp_path / "out", one)

    found = record_environment(captures, SPEC)

    expected = device_environment(one, SPEC, n_lowest=POLYU.n_lowest_tones)
    names = [point.name for point in found.points]
    for image, point, visit in zip(
        found.images, found.point_of, found.visit_of, strict=True
    ):
        row = (expected.point_of == int(names[point])) & (expected.visit_of == visit)
        off = image.astype(int) - expected.images[row][0]
        assert np.abs(off).max() <= 2
    assert len(found) == len(expected)
    assert found.points == expected.points
    assert not found.is_simulated
    assert all(channel.has_rssi for channel in found.channels)


def test_days_visits_and_points_sort_by_time_as_they_were_surveyed(rng, tmp_path):
    (captures,), _ = written(tmp_path / "out", surveyed(rng), surveyed(rng, "d03", 3))

    assert [(c.environment, c.visit, c.point.name) for c in captures] == [
        (name, visit, point)
        for name in ("d02", "d03")
        for visit, point in [("1", "0"), ("1", "1"), ("1", "2"), ("4", "0"), ("4", "1")]
    ]
    times = [first_time_s(c.capture) for c in captures]
    assert times == sorted(times)
    assert times[5] - times[0] == DAY_S
    assert times[3] - times[0] >= 3600


def test_a_day_that_has_a_date_was_on_that_date(rng, tmp_path):
    (captures,), _ = written(tmp_path / "out", surveyed(rng, "2021-09-25", 0))
    assert first_time_s(captures[0].capture) // DAY_S == 18_895  # days since 1970


def test_two_occasions_that_nobody_can_order_do_not_overlap(rng, tmp_path):
    (captures,), _ = written(
        tmp_path / "out", surveyed(rng, "a/b", 0), surveyed(rng, "a b", 0)
    )
    times = [first_time_s(c.capture) for c in captures]
    assert times == sorted(times)
    assert len({c.capture for c in captures}) == len(captures)


def test_points_that_are_only_for_tests_have_a_list_of_their_own(rng, tmp_path):
    one = replace(surveyed(rng), is_test=np.array([0, 0, 1, 0, 0], np.bool_))
    (survey, test), _ = written(tmp_path / "out", one)
    assert [c.point.name for c in test] == ["2"]
    assert "2" not in [c.point.name for c in survey]


def test_the_first_images_of_a_visit_are_taken(rng, tmp_path):
    one = surveyed(rng, points=(0, 0, 0, 1), visits=1)
    (captures,), _ = written(tmp_path / "out", one, most_images=2)
    found = record_environment(captures, SPEC)
    expected = device_environment(one, SPEC, n_lowest=15)
    assert len(found) == 3
    assert np.abs(found.images[1].astype(int) - expected.images[1]).max() <= 2


def test_a_visit_too_short_for_an_image_is_left_out_and_counted(rng, tmp_path):
    short = replace(SPEC, n_packets=12)
    one = surveyed(rng, points=(0, 0, 1), visits=1)
    _, skips = write_recording(tmp_path / "out", [one], POLYU, spec=short)
    assert skips.counts == {"visits of a point with fewer than 12 packets": 1}
    with pytest.raises(SurveyDataError, match="no visit of polyu has the 12 packets"):
        write_recording(
            tmp_path / "none",
            [surveyed(rng, points=(0, 1), visits=1)],
            POLYU,
            spec=short,
        )


@pytest.mark.parametrize("is_simulated", [True, False])
def test_captures_say_where_they_come_from(rng, tmp_path, is_simulated):
    one = replace(surveyed(rng), is_simulated=is_simulated)
    (captures,), _ = written(tmp_path / "out", one)
    with CaptureFile(captures[0].capture) as file:
        list(file)
        assert "encoded anew" in file.comments[0]
        assert "survey polyu (MIT" in file.comments[0]
        assert says_simulated(file.comments) == is_simulated
    assert record_environment(captures, SPEC).is_simulated == is_simulated


def test_the_same_survey_is_the_same_bytes(rng, tmp_path):
    one = surveyed(rng)
    for name in ("a", "b"):
        written(tmp_path / name, one)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*"))
    assert len(files) > 5
    for file in files:
        if (tmp_path / "a" / file).is_file():
            first, second = (tmp_path / name / file for name in ("a", "b"))
            assert first.read_bytes() == second.read_bytes()


def test_progress_is_told_before_each_capture(rng, tmp_path):
    told = []
    written(
        tmp_path / "out", surveyed(rng), on_capture=lambda n, of: told.append((n, of))
    )
    assert told == [(n, 5) for n in range(5)]


def test_received_power_alone_makes_no_frames(tmp_path):
    one = day(PLACE, power([[-50.0, -60.0]]), [0])
    with pytest.raises(UsageError, match="uji is of received power alone"):
        write_recording(tmp_path / "out", [one], RSS)
    assert not (tmp_path / "out").exists()


def test_no_images_are_no_recording(rng, tmp_path):
    with pytest.raises(UsageError, match="--images is 0, not 1 or more"):
        write_recording(tmp_path / "out", [surveyed(rng)], POLYU, most_images=0)


def test_what_is_in_a_folder_stays_there(rng, tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    for folder in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(SurveyDataError, match="is not empty"):
            write_recording(folder, [surveyed(rng)], POLYU)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.slow
def test_neighbours_find_recorded_days_as_well_as_the_survey_itself(
    shared_data, tmp_path
):
    data = shared_data("surveys/polyu_csi.npz").parent.parent
    days = load_survey("polyu", data)[:4]
    paths, _ = write_recording(tmp_path / "out", days, POLYU)
    captures, spec = read_survey(paths[0]), ImageSpec()
    recorded = [
        record_environment(
            [c for c in captures if c.environment == one.name],
            spec,
            max_images_per_capture=1000,
        )
        for one in days
    ]
    original = [device_environment(one, spec, n_lowest=15) for one in days]

    again, before = (learn_neighbours(found).errors_m for found in (recorded, original))

    assert [len(one) for one in recorded] == [len(one) for one in original]
    assert np.mean(again) == pytest.approx(np.mean(before), rel=0.05)
