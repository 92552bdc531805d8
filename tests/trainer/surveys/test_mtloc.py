"""MTLocData: HDF5 files by hand (no original was at hand) and the compact copy."""

import json

import h5py
import numpy as np
import pytest

from tests.trainer.survey_files import named, write_compact
from trainer.surveys import hdf5, rss
from trainer.surveys.mtloc import day_name, from_original
from trainer.surveys.registry import load_survey
from trainer.surveys.report import Skips, SurveyDataError


def write_collection(root, number, *, folder="OfficeP1", bssids=("a", "b"), **replaced):
    (root / folder).mkdir(parents=True, exist_ok=True)
    for role, xy in (("training", [[0, 0], [0, 0], [3, 1]]), ("testing", [[1, 1]])):
        arrays = {
            "rssis": np.full((len(xy), len(bssids)), -50.5),
            "cdns": np.array(xy, float),
            "bssids": np.array([b.encode() for b in bssids]),
            "RecordsNums": np.ones(len(xy), int),
        } | replaced
        with h5py.File(root / folder / f"{folder}_{number}_{role}.h5", "w") as file:
            for name, value in arrays.items():
                if value is not None:
                    file[name] = value


def compact_arrays(**replaced):
    return {
        "rss": np.array([[-50.5, -100], [-100, -60], [-70, -100]], np.float16),
        "xy": np.array([[0, 0], [1, 1], [0, 0]], float),
        "dom": np.array([1, 1, 2], np.int16),
        "role": np.array([0, 1, 0], np.uint8),
        "dom_name": np.array(["200925", "200926", "210715"]),
        "bssid": np.array(["a", "b"]),
        "missing": np.array(-100),
    } | replaced


# -- originals -------------------------------------------------------------------------


def test_columns_are_joined_by_access_point_over_all_collections(tmp_path):
    write_collection(tmp_path, 1, bssids=("b", "a"), rssis=None)
    for role, n in (("training", 3), ("testing", 1)):
        with h5py.File(tmp_path / "OfficeP1" / f"OfficeP1_1_{role}.h5", "a") as file:
            file["rssis"] = np.tile([-60.0, -100.0], (n, 1))
    write_collection(tmp_path, 2, bssids=("c",))

    first, second = from_original(tmp_path, Skips())

    assert first.place is second.place
    assert first.place.name == "mtloc"
    assert first.place.channels == ("a", "b", "c")
    np.testing.assert_array_equal(first.signals.rss, [[np.nan, -60, np.nan]] * 4)
    np.testing.assert_array_equal(second.signals.rss, [[np.nan, np.nan, -50.5]] * 4)
    assert first.is_test.tolist() == [False, False, False, True]
    assert first.visit_of.tolist() == [0, 0, 0, 1]
    assert first.place.locations.tolist() == [[0, 0], [1, 1], [3, 1]]


def test_the_second_period_is_later_and_the_choice_from_both_is_left_aside(tmp_path):
    for number in (2, 10, 1):
        write_collection(tmp_path, number)
    write_collection(tmp_path, 1, folder="OfficeP2")
    write_collection(tmp_path, 1, folder="OfficeP1+P2")

    orders = {e.name: e.order for e in from_original(tmp_path, Skips())}

    assert orders == {
        "OfficeP1-001": 0,
        "OfficeP1-002": 1,
        "OfficeP1-010": 2,
        "OfficeP2-001": 3,
    }


@pytest.mark.parametrize("beside", [None, "Mall"])
def test_the_choice_from_both_periods_is_read_where_it_is_all_of_the_office(
    tmp_path, beside
):
    write_collection(tmp_path, 1, folder="OfficeP1+P2")
    if beside:
        write_collection(tmp_path, 1, folder=beside)
    skips = Skips()

    environments = from_original(tmp_path, skips)

    assert named(environments)["OfficeP1+P2-001"].place.name == "mtloc"
    assert len(environments) == (2 if beside else 1)
    assert not skips.counts


def test_what_is_left_aside_of_the_choice_is_counted(tmp_path):
    """It holds days of the second period that are not there otherwise."""
    write_collection(tmp_path, 1)
    write_collection(tmp_path, 1, folder="OfficeP1+P2")
    write_collection(tmp_path, 2, folder="OfficeP1+P2")
    skips = Skips()

    (only,) = from_original(tmp_path, skips)

    assert only.name == "OfficeP1-001"
    assert skips.counts == {"collections of OfficeP1+P2, a choice from the others": 2}


def test_the_first_period_is_first_wherever_its_folder_is(tmp_path):
    write_collection(tmp_path / "a", 1, folder="OfficeP2")
    write_collection(tmp_path / "b", 1, folder="OfficeP1")

    orders = {e.name: e.order for e in from_original(tmp_path, Skips())}

    assert orders == {"OfficeP1-001": 0, "OfficeP2-001": 1}


@pytest.mark.parametrize(("where", "number"), [("old/OfficeP1", 1), ("OfficeP1", "01")])
def test_collections_that_are_there_twice_are_refused(tmp_path, where, number):
    write_collection(tmp_path, 1)
    path = tmp_path / where / f"OfficeP1_{number}_training.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")

    with pytest.raises(SurveyDataError, match=r"OfficeP1.* are the same part"):
        from_original(tmp_path, Skips())


def test_the_mall_is_a_place_of_its_own_though_surveyed_on_the_same_day(tmp_path):
    for folder in ("OfficeP1", "Mall"):
        write_collection(tmp_path, 1, folder=folder)
        (tmp_path / folder / "meta.json").write_text('["20200925"]')

    places = {e.name: e.place.name for e in from_original(tmp_path, Skips())}

    assert places == {"2020-09-25": "mtloc", "Mall-2020-09-25": "mtloc/mall"}


@pytest.mark.parametrize(
    ("meta", "names"),
    [
        ({"dates": ["20200925", "20200926"]}, ["2020-09-25", "2020-09-26"]),
        ([["2020-09-25"], {"x": "2020/9/26"}], ["OfficeP1-001", "OfficeP1-002"]),
        ({"dates": ["20200925"]}, ["OfficeP1-001", "OfficeP1-002"]),
    ],
)
def test_collections_are_called_by_date_where_there_is_one_for_each(
    tmp_path, meta, names
):
    write_collection(tmp_path, 1)
    write_collection(tmp_path, 2)
    (tmp_path / "OfficeP1" / "meta.json").write_text(json.dumps(meta))

    assert [e.name for e in from_original(tmp_path, Skips())] == names


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"rssis": None}, r"OfficeP1_1_\w+\.h5 has no array rssis"),
        ({"rssis": np.zeros((2, 2))}, r"rssis has shape \(2, 2\)"),
        ({"cdns": np.zeros(3)}, "rssis has shape"),
        ({"cdns": np.array(2.0)}, "rssis has shape"),
        ({"cdns": np.zeros((3, 1))}, r"cdns \(3, 1\).*expected \(n, m\), \(n, 2\)"),
        ({"cdns": np.full((3, 2), b"1.5")}, "cdns is of .*, not of numbers"),
        ({"rssis": np.full((3, 2), b"-50")}, "rssis is of .*, not of numbers"),
        ({"bssids": ("a", "a")}, "bssids has a in several columns"),
        ({"bssids": ("a",), "rssis": np.zeros((3, 2))}, "there are 1 bssids"),
    ],
)
def test_arrays_that_are_missing_or_do_not_fit_are_named(tmp_path, replaced, message):
    write_collection(tmp_path, 1, **replaced)

    with pytest.raises(SurveyDataError, match=message):
        from_original(tmp_path, Skips())


def test_a_damaged_file_is_named(tmp_path):
    write_collection(tmp_path, 1)
    (tmp_path / "OfficeP1" / "OfficeP1_1_testing.h5").write_bytes(b"\x89HDF\r\n\x1a\n")

    with pytest.raises(SurveyDataError, match=r"testing\.h5 cannot be read"):
        from_original(tmp_path, Skips())


def test_an_array_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    write_collection(tmp_path, 1)
    monkeypatch.setattr(hdf5, "_MAX_BYTES", 8)

    with pytest.raises(SurveyDataError, match="says to have"):
        from_original(tmp_path, Skips())


def test_many_fingerprints_of_many_access_points_are_refused(tmp_path, monkeypatch):
    """Each collection hears an access point of its own."""
    for number in (1, 2):
        write_collection(tmp_path, number, bssids=(f"ap{number}",))
    monkeypatch.setattr(rss, "_MAX_TABLE_BYTES", 63)

    with pytest.raises(SurveyDataError, match="8 samples of 2 access points are more"):
        from_original(tmp_path, Skips())


def other_file(root):
    """An array that is not below the root, and may be anything."""
    path = root.parent / "other.h5"
    with h5py.File(path, "w") as file:
        file["rssis"] = np.full((3, 2), -50.0)
    return path


def external_link(file, root):
    file["rssis"] = h5py.ExternalLink(other_file(root), "/rssis")


def soft_link(file, root):
    file["original"] = np.full((3, 2), -50.0)
    file["rssis"] = h5py.SoftLink("/original")


def virtual(file, root):
    layout = h5py.VirtualLayout((3, 2), float)
    layout[:] = h5py.VirtualSource(other_file(root), "rssis", (3, 2))
    file.create_virtual_dataset("rssis", layout)


def bytes_of_another_file(file, root):
    (root.parent / "secret").write_bytes(bytes(48))
    file.create_dataset(
        "rssis", (3, 2), float, external=[(str(root.parent / "secret"), 0, 48)]
    )


def group(file, root):
    file.create_group("rssis")


@pytest.mark.parametrize(
    "put", [external_link, soft_link, virtual, bytes_of_another_file, group]
)
def test_arrays_that_are_not_in_the_file_are_refused(tmp_path, put):
    root = tmp_path / "mtloc"
    write_collection(root, 1, rssis=None)
    with h5py.File(root / "OfficeP1" / "OfficeP1_1_training.h5", "a") as file:
        put(file, root)

    with pytest.raises(SurveyDataError, match="rssis is no array in this file"):
        from_original(root, Skips())


def test_a_chunk_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    """One number in a chunk of many."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (1,), float, chunks=(999,), maxshape=(None,))
    monkeypatch.setattr(hdf5, "_MAX_BYTES", 999)

    with pytest.raises(SurveyDataError, match="x says to have 7992 bytes"):
        hdf5.read_arrays(path, ("x",))


@pytest.mark.parametrize(
    "value", [h5py.Empty("f8"), np.zeros(3, "V4"), np.zeros(2, [("a", "f8")])]
)
def test_arrays_of_neither_numbers_nor_text_are_refused(tmp_path, value):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = value

    with pytest.raises(
        SurveyDataError, match=r"x is of type .*, not of numbers or text"
    ):
        hdf5.read_arrays(path, ("x",))


def test_long_texts_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = [["short", "a text of many words"]]
    assert hdf5.read_arrays(path, ("x",))["x"].tolist() == [
        [b"short", b"a text of many words"]
    ]
    monkeypatch.setattr(hdf5, "_MAX_TEXT_BYTES", 24)

    with pytest.raises(SurveyDataError, match="/x has more than 24 bytes of text"):
        hdf5.read_arrays(path, ("x",))


def test_a_folder_without_collections_is_refused(tmp_path):
    with pytest.raises(SurveyDataError, match="has no file"):
        from_original(tmp_path, Skips())


# -- compact copies --------------------------------------------------------------------


def test_days_of_a_copy_are_called_by_date(tmp_path):
    write_compact(tmp_path, "mtloc_office_rss.npz", **compact_arrays())

    days = named(load_survey("mtloc", tmp_path))

    assert {name: day.order for name, day in days.items()} == {
        "2020-09-26": 1,
        "2021-07-15": 2,
    }
    day = days["2020-09-26"]
    assert day.signals.rss[0, 0] == -50.5
    assert day.signals.heard.tolist() == [[True, False], [False, True]]
    assert day.is_test.tolist() == [False, True]
    assert day.place.channels == ("a", "b")


def test_a_day_that_has_no_name_is_refused(tmp_path):
    arrays = compact_arrays(dom=np.array([1, 1, 3]))
    write_compact(tmp_path, "mtloc_office_rss.npz", **arrays)

    with pytest.raises(SurveyDataError, match="none of the 3 days"):
        load_survey("mtloc", tmp_path)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"dom": np.array([1, np.nan, 2])}, "dom holds nan"),
        ({"role": np.array([0, 1, np.nan])}, "role holds nan"),
        ({"role": np.array([0, 1, 2])}, "role holds 2, which is none of the 2 roles"),
        ({"bssid": np.array([1, 2])}, "bssid is of int64, expected text"),
    ],
)
def test_arrays_of_a_copy_that_make_no_sense_are_refused(tmp_path, replaced, message):
    write_compact(tmp_path, "mtloc_office_rss.npz", **compact_arrays(**replaced))

    with pytest.raises(SurveyDataError, match=message):
        load_survey("mtloc", tmp_path)


def test_only_dates_become_dates():
    assert day_name("201231") == "2020-12-31"
    assert day_name("201331") == "201331"


def test_the_real_copy_has_189_points_on_104_days(shared_data):
    data = shared_data("surveys/mtloc_office_rss.npz").parent.parent

    days = load_survey("mtloc:compact", data)

    assert len(days) >= 104
    assert days[0].n_points == 189
    assert len(np.unique(days[0].point_of[days[0].is_test])) == 92
    assert [day.name for day in days] == sorted(day.name for day in days)
    assert len({id(day.place) for day in days}) == 1
