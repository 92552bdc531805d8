"""PolyU: logs by hand, the compact copy, and the originals where they are there."""

from functools import cache

import numpy as np
import pytest

from tests.trainer.survey_files import intel_report, named, random_gains, write_compact
from trainer.surveys.polyu import LOCATIONS, from_original
from trainer.surveys.registry import load_survey, load_survey_with_report
from trainer.surveys.report import Skips, SurveyDataError


def write_log(root, rng, day, period, spot, *, n=50, n_tx=2, tail=b""):
    folder = root / "01_rawdata" / f"d{day:02d}"
    folder.mkdir(parents=True, exist_ok=True)
    data = b"".join(intel_report(random_gains(rng, n_tx=n_tx)) for _ in range(n))
    path = folder / f"d{day:02d}_p{period:02d}_l{spot:02d}.dat"
    path.write_bytes(data + tail)


def compact_arrays(rng, keys):
    """``keys`` are (day, period, loc), one per packet."""
    day, period, loc = np.array(keys).T
    return {
        "amp": rng.uniform(1, 90, (len(keys), 30, 3)).astype(np.float16),
        "scale": rng.uniform(1e-4, 2e-4, len(keys)).astype(np.float32),
        "day": day.astype(np.int16),
        "period": period.astype(np.int16),
        "loc": loc.astype(np.int16),
        "loc_xy": np.array(LOCATIONS),
    }


# -- originals -------------------------------------------------------------------------


def test_days_are_environments_and_periods_visits(tmp_path, rng):
    write_log(tmp_path, rng, 3, 2, 8, n=101)
    write_log(tmp_path, rng, 3, 1, 1, n=50)
    write_log(tmp_path, rng, 12, 4, 2, n=50)
    skips = Skips()

    third, twelfth = from_original(tmp_path, skips)

    assert (third.name, third.order, twelfth.name) == ("d03", 3, "d12")
    assert third.visit_of.tolist() == [1, 2, 2]
    assert third.locations.tolist() == [[0.0, 0.0], [0.25, 1.6], [0.25, 1.6]]
    assert third.signals.images.shape == (3, 50, 30, 3)
    assert third.place is twelfth.place
    assert third.n_points == 8
    assert not third.is_test.any()
    assert skips.counts == {"packets after the last full image": 1}


def test_the_level_is_restored(tmp_path, rng):
    write_log(tmp_path, rng, 2, 1, 1)

    (day,) = from_original(tmp_path, Skips())

    streams_of_two = 10 ** (day.signals.rss[0].astype(float) / 10)
    total = sum(10 ** (r / 10) for r in (40, 38, 36)) * 10**-7.4
    assert streams_of_two.sum() == pytest.approx(total / 2, rel=0.1)


def test_what_is_no_spot_or_of_one_stream_is_counted(tmp_path, rng):
    write_log(tmp_path, rng, 2, 1, 1)
    write_log(tmp_path, rng, 2, 1, 9)
    write_log(tmp_path, rng, 98, 1, 1)
    write_log(tmp_path, rng, 2, 2, 1, n=7, n_tx=1, tail=b"\0")
    skips = Skips()

    (day,) = from_original(tmp_path, skips)

    assert len(day) == 1
    assert skips.counts == {
        "last records cut off": 1,
        "packets not sent in two streams": 7,
        "packets of no surveyed spot": 100,
    }


def test_a_damaged_log_is_named(tmp_path, rng):
    write_log(tmp_path, rng, 2, 1, 1, tail=b"\0\0\xbb")

    with pytest.raises(SurveyDataError, match=r"d02_p01_l01\.dat: .* at byte 19[0-9]+"):
        from_original(tmp_path, Skips())


def test_a_log_that_is_there_twice_is_refused(tmp_path, rng):
    write_log(tmp_path, rng, 2, 1, 1)
    other = tmp_path / "old" / "d2_p1_l1.dat"
    other.parent.mkdir()
    other.write_bytes(b"")

    with pytest.raises(SurveyDataError, match="the same part of the survey") as caught:
        from_original(tmp_path, Skips())

    assert "d02_p01_l01.dat" in str(caught.value)
    assert str(other) in str(caught.value)


def test_a_folder_without_logs_or_with_short_ones_is_refused(tmp_path, rng):
    with pytest.raises(SurveyDataError, match="has no log"):
        from_original(tmp_path, Skips())
    write_log(tmp_path, rng, 2, 1, 1, n=49)
    with pytest.raises(SurveyDataError, match="fills an image"):
        from_original(tmp_path, Skips())


# -- compact copies --------------------------------------------------------------------


def test_packets_are_grouped_wherever_they_stand(tmp_path, rng):
    keys = [(5, 2, 3)] * 50 + [(4, 1, 1)] * 60 + [(5, 1, 3)] * 50
    arrays = compact_arrays(rng, keys)
    write_compact(tmp_path, "polyu_csi.npz", **arrays)

    environments, report = load_survey_with_report("polyu", tmp_path)

    days = named(environments)
    assert sorted(days) == ["d04", "d05"]
    assert days["d05"].visit_of.tolist() == [1, 2]
    expected = arrays["amp"][110:].astype(float) * arrays["scale"][110:, None, None]
    np.testing.assert_allclose(
        days["d05"].signals.images[0], 1000 * expected, rtol=1e-5
    )
    power_mw = (expected**2).mean(axis=(0, 1))
    np.testing.assert_allclose(
        days["d05"].signals.rss[0], 10 * np.log10(power_mw), atol=1e-3
    )
    assert report.is_compact
    assert report.skipped == {"packets after the last full image": 10}


def test_packets_that_are_not_finite_go(tmp_path, rng):
    arrays = compact_arrays(rng, [(4, 1, 1)] * 53)
    arrays["scale"] = arrays["scale"].astype(np.float64)
    arrays["scale"][[3, 7, 9]] = [np.nan, 1e300, 1e20]
    del arrays["loc_xy"]
    write_compact(tmp_path, "polyu_csi.npz", **arrays)

    (day,), report = load_survey_with_report("polyu", tmp_path)

    assert len(day) == 1
    assert report.skipped == {"packets that are not finite": 3}


def test_a_copy_with_arrays_that_do_not_fit_is_refused(tmp_path, rng):
    arrays = compact_arrays(rng, [(4, 1, 1)] * 50)
    arrays["day"] = arrays["day"][1:]
    write_compact(tmp_path, "polyu_csi.npz", **arrays)

    with pytest.raises(SurveyDataError, match=r"array day has shape \(49,\)"):
        load_survey("polyu", tmp_path)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"day": np.full(50, np.nan)}, "day holds nan, which is no whole number"),
        ({"period": np.full(50, 1.5)}, "period holds 1.5"),
        ({"amp": np.full((50, 30, 3), "x")}, "amp is of <U1, expected real numbers"),
        ({"loc_xy": np.zeros((8, 3))}, r"loc_xy has shape \(8, 3\)"),
        ({"loc_xy": np.full((8, 2), np.nan)}, "a spot in loc_xy has no coordinates"),
    ],
)
def test_arrays_that_make_no_sense_are_refused(tmp_path, rng, replaced, message):
    arrays = compact_arrays(rng, [(4, 1, 1)] * 50) | replaced
    write_compact(tmp_path, "polyu_csi.npz", **arrays)

    with pytest.raises(SurveyDataError, match=message):
        load_survey("polyu", tmp_path)


# -- the real one ----------------------------------------------------------------------


@cache
def real_days(data):
    """Read once: it takes a second."""
    return named(load_survey("polyu:compact", data))


def test_original_logs_give_the_images_of_the_compact_copy(shared_data):
    shared_data("raw/polyu")
    data = shared_data("surveys/polyu_csi.npz").parent.parent
    copies = real_days(data)

    originals, report = load_survey_with_report("polyu:raw", data)

    days = named(originals)
    copy, day = copies["d03"], days["d03"]
    assert len(day) == 248
    np.testing.assert_array_equal(day.visit_of, copy.visit_of)
    np.testing.assert_array_equal(day.locations, copy.locations)
    # The copy has half precision: 11 bits, and rounds once more.
    np.testing.assert_allclose(day.signals.images, copy.signals.images, rtol=5e-4)
    np.testing.assert_allclose(day.signals.rss, copy.signals.rss, atol=2e-3)
    at_spot = copies["d06"].locations == days["d06"].locations[0]
    first = (copies["d06"].visit_of == 1) & at_spot.all(axis=1)
    np.testing.assert_allclose(
        days["d06"].signals.images, copies["d06"].signals.images[first], rtol=5e-4
    )
    assert report.skipped["last records cut off"] == 1


def test_nearest_neighbours_find_the_spot_within_a_capture_but_not_a_day_later(
    shared_data,
):
    data = shared_data("surveys/polyu_csi.npz").parent.parent
    days = real_days(data)

    def features(environment):
        mean = environment.signals.images.mean(axis=1).reshape(len(environment), -1)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def accuracy(of, among):
        distances = np.linalg.norm(
            features(of)[:, None] - features(among)[None], axis=2
        )
        nearest = among.point_of[distances.argmin(axis=1)]
        return (nearest == of.point_of).mean()

    first, second = days["d10"], days["d11"]
    half = np.arange(len(first)) % 2 == 0
    same = accuracy(
        first.select(np.flatnonzero(half)), first.select(np.flatnonzero(~half))
    )

    assert same > 0.98
    assert accuracy(second, first) < 0.7
