"""The authors' image folders, written by hand: no original was at hand."""

import numpy as np
import pytest
from PIL import Image

from tests.trainer.survey_files import named, write_lines
from trainer.surveys.metaloc import from_original
from trainer.surveys.report import Skips, SurveyDataError


def write_day(root, folder, rows, *, shape=(52, 50), seed=0):
    """Images as the authors name them, and their list; returns the pixels."""
    where = root / folder / "sample10"
    (where / "RGB").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    pixels = {}
    for name, _ in rows:
        pixels[name] = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        Image.fromarray(pixels[name]).save(where / "RGB" / name)
    write_lines(where / "label.csv", [f"{name},{label}" for name, label in rows])
    return pixels


def test_days_are_environments_on_the_grid_of_the_authors_code(tmp_path):
    pixels = write_day(tmp_path, "CSIimage0609", [("7_1.png", 7), ("0_1.png", 0)])
    write_day(tmp_path, "CSIimage0819", [("89_1.png", 89)])

    days = named(from_original(tmp_path, Skips()))

    hall, lab = days["hall-0609"], days["lab-0819"]
    assert (hall.place.name, lab.place.name) == ("metaloc/hall", "metaloc/lab")
    assert hall.n_points == lab.n_points == 90
    np.testing.assert_allclose(hall.locations, [[0.6, 0.6], [0, 0]])
    np.testing.assert_allclose(lab.locations, [[7.2, 8.4]])
    assert (hall.order, lab.order) == (609, 819)
    # 52 rows are tones, 50 columns packets.
    np.testing.assert_array_equal(
        hall.signals.images[0], pixels["7_1.png"].swapaxes(0, 1)
    )
    assert np.isnan(hall.signals.rss).all()
    assert hall.signals.is_csi


@pytest.mark.parametrize("shape", [(50, 52), (50, 50)])
def test_packets_come_first_whichever_side_is_which(tmp_path, shape):
    pixels = write_day(tmp_path, "CSIimage0609", [("0_1.png", 0)], shape=shape)

    (day,) = from_original(tmp_path, Skips())

    expected = pixels["0_1.png"]
    expected = expected if shape[1] == 52 else expected.swapaxes(0, 1)
    np.testing.assert_array_equal(day.signals.images[0], expected)


def test_a_folder_may_be_called_after_its_scene(tmp_path):
    write_day(tmp_path, "Lab/images_1105", [("1_1.png", 1)])

    (day,) = from_original(tmp_path, Skips())

    assert (day.name, day.place.name) == ("lab-1105", "metaloc/lab")


def test_images_that_are_missing_or_damaged_are_counted(tmp_path):
    rows = [(f"0_{k}.png", 0) for k in range(4)]
    write_day(tmp_path, "CSIimage0609", rows)
    images = tmp_path / "CSIimage0609" / "sample10" / "RGB"
    (images / "0_1.png").unlink()
    data = (images / "0_2.png").read_bytes()
    (images / "0_2.png").write_bytes(data[: len(data) // 2])
    (images / "0_3.png").write_bytes(b"no image")
    skips = Skips()

    (day,) = from_original(tmp_path, skips)

    assert len(day) == 1
    assert skips.counts == {
        "images that are listed but not there": 1,
        "images that cannot be read": 2,
    }


def test_an_image_larger_than_any_is_not_decoded(tmp_path):
    write_day(tmp_path, "CSIimage0609", [("0_1.png", 0)])
    huge = tmp_path / "CSIimage0609" / "sample10" / "RGB" / "0_1.png"
    Image.new("RGB", (513, 50)).save(huge)

    with pytest.raises(SurveyDataError, match="none of the images"):
        from_original(tmp_path, Skips())


def test_a_list_may_have_titles_and_empty_lines(tmp_path):
    write_day(tmp_path, "CSIimage0609", [("0_1.png", 0)])
    path = tmp_path / "CSIimage0609" / "sample10" / "label.csv"
    write_lines(path, ["filename,label", "", "0_1.png,0"])

    assert len(from_original(tmp_path, Skips())[0]) == 1


def test_a_path_in_the_list_stays_inside_the_folder(tmp_path):
    write_day(tmp_path, "CSIimage0609", [("0_1.png", 0)])
    path = tmp_path / "CSIimage0609" / "sample10" / "label.csv"
    write_lines(path, ["../../../0_1.png,0"])

    assert len(from_original(tmp_path, Skips())[0]) == 1


def test_a_name_that_no_file_can_have_is_counted(tmp_path):
    write_day(tmp_path, "CSIimage0609", [("0_1.png", 0)])
    path = tmp_path / "CSIimage0609" / "sample10" / "label.csv"
    write_lines(path, ["0_1.png,0", f"{'x' * 300}.png,0", "\0.png,0"])
    skips = Skips()

    (day,) = from_original(tmp_path, skips)

    assert len(day) == 1
    assert skips.counts == {"images that are listed but not there": 2}


def test_a_list_that_is_no_table_is_named(tmp_path):
    write_day(tmp_path, "CSIimage0609", [("0_1.png", 0)])
    path = tmp_path / "CSIimage0609" / "sample10" / "label.csv"
    write_lines(path, [f"{'x' * 200_000},0"])

    with pytest.raises(SurveyDataError, match=r"label\.csv is no table: field larger"):
        from_original(tmp_path, Skips())


@pytest.mark.parametrize(
    "row",
    ["0_1.png,90", "0_1.png,-1", "0_1.png", "0_1.png,x", f"0_1.png,{'9' * 5000}"],
)
def test_labels_that_are_no_point_are_named(tmp_path, row):
    write_day(tmp_path, "CSIimage0609", [("0_1.png", 0)])
    path = tmp_path / "CSIimage0609" / "sample10" / "label.csv"
    write_lines(path, ["0_1.png,0", row])

    with pytest.raises(SurveyDataError, match=r"label\.csv, line 2: .* 0 to 89"):
        from_original(tmp_path, Skips())


def test_images_of_two_sizes_are_refused(tmp_path):
    write_day(tmp_path, "CSIimage0609", [("0_1.png", 0)])
    write_day(tmp_path, "CSIimage0714", [("0_1.png", 0)], shape=(50, 50))
    with pytest.raises(SurveyDataError, match="another shape"):
        from_original(tmp_path, Skips())

    folder = tmp_path / "CSIimage0609" / "sample10"
    Image.new("RGB", (20, 20)).save(folder / "RGB" / "0_2.png")
    write_lines(folder / "label.csv", ["0_1.png,0", "0_2.png,0"])
    with pytest.raises(SurveyDataError, match=r"0_2\.png has shape \(20, 20, 3\)"):
        from_original(tmp_path, Skips())


def test_a_day_that_is_there_twice_is_refused(tmp_path):
    write_day(tmp_path, "CSIimage0609", [("0_1.png", 0)])
    write_day(tmp_path, "hall/0609", [("0_1.png", 0)])

    with pytest.raises(SurveyDataError, match=r"are the same part") as caught:
        from_original(tmp_path, Skips())

    assert str(tmp_path / "CSIimage0609" / "sample10" / "label.csv") in str(
        caught.value
    )
    assert str(tmp_path / "hall" / "0609" / "sample10") in str(caught.value)


def test_an_image_that_is_listed_twice_is_refused(tmp_path):
    write_day(tmp_path, "CSIimage0609", [("0_1.png", 0), ("0_2.png", 0)])
    path = tmp_path / "CSIimage0609" / "sample10" / "label.csv"
    write_lines(path, ["0_1.png,0", "0_2.png,0", "RGB/0_1.png,1"])

    with pytest.raises(
        SurveyDataError, match=r"label\.csv: 0_1\.png is listed in line 1 .* line 3"
    ):
        from_original(tmp_path, Skips())


def test_a_folder_of_neither_scene_is_refused(tmp_path):
    write_day(tmp_path, "pictures", [("0_1.png", 0)])

    with pytest.raises(SurveyDataError, match="rename a folder"):
        from_original(tmp_path, Skips())


def test_a_folder_without_lists_is_refused(tmp_path):
    with pytest.raises(SurveyDataError, match=r"no folder with label\.csv"):
        from_original(tmp_path, Skips())
