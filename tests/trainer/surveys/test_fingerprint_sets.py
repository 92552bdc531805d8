"""UJI_LIB and NCEPU: sets of text files by hand, compact copies, and the originals."""

import shutil

import numpy as np
import pytest

from tests.trainer.survey_files import named, write_compact, write_lines
from trainer.surveys import ncepu, uji
from trainer.surveys.registry import load_survey, load_survey_with_report
from trainer.surveys.report import Skips, SurveyDataError


def write_set(root, period, stem, time, *, rows=((-50, 100), (-60, -70)), crd=None):
    folder = root / "db" / f"{period:02d}"
    crd = crd or [f"{k},1.5,3" for k in range(len(rows))]
    write_lines(folder / f"{stem}rss.csv", [",".join(map(str, row)) for row in rows])
    write_lines(folder / f"{stem}crd.csv", crd)
    write_lines(folder / f"{stem}tms.csv", [time + k for k in range(len(rows))])
    write_lines(folder / f"{stem}ids.csv", range(len(rows)))


def test_sets_are_visits_in_order_of_time_and_test_sets_only_test(tmp_path):
    write_set(tmp_path, 1, "trn01", 20200926000000)
    write_set(tmp_path, 1, "tst01", 20200921000000)
    write_set(tmp_path, 2, "trn01", 20201001000000)

    first, second = ncepu.from_original(tmp_path, Skips())

    assert (first.name, first.order, second.name) == ("w01", 1, "w02")
    assert first.visit_of.tolist() == [0, 0, 1, 1]
    assert first.is_test.tolist() == [True, True, False, False]
    assert first.place is second.place
    assert first.place.floors.tolist() == [3, 3]
    assert first.signals.heard.tolist() == [[True, False], [True, True]] * 2


def test_values_are_checked_as_they_stand_in_the_file(tmp_path):
    """65486 is -50 in 16 bits, and 100.7 is not the sign for "not heard"."""
    rows = [(-50.5, 65486), (-60, 1e300), (-61, 100.7), (-62, "nan")]
    write_set(tmp_path, 1, "trn01", 20200926000000, rows=rows)
    skips = Skips()

    (week,) = ncepu.from_original(tmp_path, skips)

    assert week.signals.rss[:, 0].tolist() == [-50.5, -60, -61, -62]
    assert np.isnan(week.signals.rss[:, 1]).all()
    assert skips.counts == {"values that are no received power": 3}


def test_the_folder_may_be_one_level_deeper(tmp_path):
    write_set(tmp_path / "UJI_LIB_DB_v2", 4, "trn01", 20160602155217232)

    (month,) = uji.from_original(tmp_path, Skips())

    assert (month.name, month.order) == ("m04", 4)


def test_the_week_walked_backwards_is_not_later_than_its_week(tmp_path):
    for week in (5, 6, 95):
        write_set(tmp_path, week, "trn01", 20201119000000)

    orders = {e.name: e.order for e in ncepu.from_original(tmp_path, Skips())}

    assert orders == {"w05": 5, "w06": 6, "w95": 5}


def test_scans_whose_floor_was_not_noted_are_counted_in_uji_only(tmp_path):
    write_set(tmp_path, 1, "trn01", 20160602155217232, crd=["1,2,3", "1,2,0"])
    skips = Skips()

    (month,) = uji.from_original(tmp_path, skips)
    (week,) = ncepu.from_original(tmp_path, Skips())

    assert len(month) == 1
    assert skips.counts == {"samples whose floor was not noted": 1}
    assert len(week) == 2


@pytest.mark.parametrize(
    ("file", "lines", "message"),
    [
        ("trn01rss.csv", ["-50,-60", "-50"], r"trn01rss\.csv is no table of numbers"),
        ("trn01rss.csv", ["-50,-60", "#-50,-60"], r"trn01rss\.csv is no table of"),
        ("trn01rss.csv", ["-50,x", "-50,-60"], r"trn01rss\.csv is no table of numbers"),
        ("trn01crd.csv", ["1,2,3"], r"trn01crd\.csv has 1 lines of 3.*expected 2 of 3"),
        ("trn01tms.csv", [], r"trn01tms\.csv is empty"),
        (
            "trn02rss.csv",
            ["-50"],
            r"trn02rss\.csv has 1 columns, .* has 2",
        ),
    ],
)
def test_damaged_files_are_named(tmp_path, file, lines, message):
    write_set(tmp_path, 1, "trn01", 20160602155217232)
    write_lines(tmp_path / "db" / "01" / file, lines)

    with pytest.raises(SurveyDataError, match=message):
        uji.from_original(tmp_path, Skips())


def test_a_missing_file_is_named(tmp_path):
    write_set(tmp_path, 1, "trn01", 20160602155217232)
    (tmp_path / "db" / "01" / "trn01crd.csv").unlink()

    with pytest.raises(SurveyDataError, match=r"trn01crd\.csv cannot be read: No such"):
        uji.from_original(tmp_path, Skips())


def test_what_is_no_text_is_named(tmp_path):
    write_set(tmp_path, 1, "trn01", 20160602155217232)
    (tmp_path / "db" / "01" / "trn01crd.csv").write_bytes(b"\xff\xfe\x80")

    with pytest.raises(SurveyDataError, match=r"trn01crd\.csv is no text"):
        uji.from_original(tmp_path, Skips())


def test_an_endless_file_is_refused(tmp_path, monkeypatch):
    write_set(tmp_path, 1, "trn01", 20160602155217232)
    monkeypatch.setattr("trainer.surveys.text_tables._MAX_BYTES", 3)

    with pytest.raises(SurveyDataError, match="more than 3"):
        uji.from_original(tmp_path, Skips())


@pytest.mark.parametrize("second", ["db/1", "UJI_LIB_DB_v2/db/01"])
def test_a_set_that_is_there_twice_is_refused(tmp_path, second):
    write_set(tmp_path, 1, "trn01", 20160602155217232)
    shutil.copytree(tmp_path / "db" / "01", tmp_path / second)

    with pytest.raises(SurveyDataError, match="the same part of the survey") as caught:
        uji.from_original(tmp_path, Skips())

    assert str(tmp_path / "db" / "01" / "trn01rss.csv") in str(caught.value)
    assert str(tmp_path / second / "trn01rss.csv") in str(caught.value)


def test_a_folder_without_sets_is_refused(tmp_path):
    with pytest.raises(SurveyDataError, match="has no set"):
        uji.from_original(tmp_path, Skips())


@pytest.mark.parametrize(
    ("name", "file", "period", "coordinates"),
    [
        ("uji", "uji_lib_rss.npz", "month", "xyf"),
        ("ncepu", "ncepu_rss.npz", "week", "xy"),
    ],
)
def test_compact_copies_may_hold_any_months(tmp_path, name, file, period, coordinates):
    write_compact(
        tmp_path,
        file,
        rss=np.array([[-50, 100], [-60, -70], [-61, 100]], np.int16),
        tms=np.array([3.0, 1.0, 2.0]),
        set=np.array([1, 101, 2], np.int16),
        **{
            coordinates: np.array([[1, 2, 3], [1, 3, 3], [1, 2, 5]], float),
            period: np.array([24, 24, 25], np.int16),
        },
    )

    first, second = load_survey(name, tmp_path)

    assert [first.order, second.order] == [24, 25]
    assert first.signals.rss[:, 0].tolist() == [-60, -50]
    assert first.is_test.tolist() == [True, False]
    assert first.place.floors.tolist() == [3, 5, 3]


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"month": np.array([1, np.nan])}, "month holds nan, which is no whole number"),
        ({"set": np.array([1, 1e30])}, r"set holds 1e\+30, which is no whole number"),
        ({"missing": np.array([100, 101])}, r"missing has shape \(2,\), expected one"),
        ({"rss": np.array([["a"], ["b"]])}, "rss is of <U1, expected real numbers"),
    ],
)
def test_arrays_of_a_copy_that_make_no_sense_are_refused(tmp_path, replaced, message):
    arrays = {
        "rss": np.full((2, 1), -50),
        "tms": np.arange(2),
        "set": np.ones(2),
        "month": np.ones(2),
        "xyf": np.full((2, 3), 3.0),
    }
    write_compact(tmp_path, "uji_lib_rss.npz", **arrays | replaced)

    with pytest.raises(SurveyDataError, match=message):
        load_survey("uji", tmp_path)


@pytest.mark.parametrize("name", ["uji", "ncepu"])
def test_originals_give_what_the_compact_copy_gives(shared_data, name):
    shared_data("raw/ncepu")
    data = shared_data("surveys").parent
    copies = named(load_survey(f"{name}:compact", data))

    for original in load_survey(f"{name}:raw", data):
        copy = copies[original.name]
        if name == "uji":  # four of twenty sets are there
            sets = {e.tobytes() for e in copy.signals.rss}
            assert {e.tobytes() for e in original.signals.rss} <= sets
            continue
        np.testing.assert_array_equal(original.signals.rss, copy.signals.rss)
        np.testing.assert_array_equal(original.visit_of, copy.visit_of)
        np.testing.assert_array_equal(original.is_test, copy.is_test)
        np.testing.assert_array_equal(original.locations, copy.locations)


def test_uji_has_two_floors_and_six_scans_without(shared_data):
    data = shared_data("surveys/uji_lib_rss.npz").parent.parent

    months, report = load_survey_with_report("uji:compact", data)

    assert np.unique(months[0].place.floors).tolist() == [3, 5]
    assert report.skipped == {"samples whose floor was not noted": 6}
    per_floor = np.bincount(
        months[0].place.floors[np.unique(months[1].point_of[~months[1].is_test])]
    )
    assert per_floor[[3, 5]].tolist() == [24, 24]
