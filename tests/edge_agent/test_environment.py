"""Surveyed images: what they must agree in, and which of them become shots."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.arrays import pack_arrays, unpack_arrays
from edge_agent.csi.image import ImageSpec
from edge_agent.csi.subcarriers import FrameFormat, Phy
from edge_agent.environment import Environment, channel_from_json, channel_to_json
from edge_agent.errors import CalibrationError
from edge_agent.survey import Point
from tests.edge_agent.sites import POINTS, SPEC, channel, environment

TINY = ImageSpec(n_packets=1, n_tones=1, n_channels=1)


def numbered(point_of, visit_of):
    """An environment whose n-th image shows n."""
    n = len(point_of)
    n_points = max(point_of, default=0) + 1
    return Environment(
        "home",
        TINY,
        (),
        tuple(Point(f"p{i}", i, 0) for i in range(n_points)),
        np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1),
        np.ones((n, 1), np.bool_),
        np.array(point_of, np.intp),
        np.array(visit_of, np.str_),
        is_simulated=False,
    )


def shots(point_of, visit_of, n_per_point):
    """Numbers of the images that are taken."""
    taken = numbered(point_of, visit_of).take_shots(n_per_point)
    return taken.images.ravel().tolist()


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"images": np.zeros((9, 2, 8, 15), np.uint8)}, r"images are uint8 \(9, 2, 8"),
        ({"images": np.zeros((9, 2, 8, 16), np.int16)}, "images are int16"),
        ({"images": np.zeros(9, np.uint8)}, r"expected uint8 \(n, \*\(2, 8, 16\)\)"),
        ({"heard": np.ones((9, 3), np.bool_)}, r"heard has shape \(9, 3\) for 9 image"),
        ({"heard": np.ones((8, 2), np.bool_)}, r"heard has shape \(8, 2\) for 9 image"),
        ({"point_of": np.zeros(8, np.intp)}, "9 images, but other numbers of points"),
        ({"visit_of": np.array(["1"])}, "9 images, but other numbers of points or vis"),
        ({"point_of": np.full(9, 3)}, "an image's point is none of the 3"),
        ({"point_of": np.full(9, -1)}, "an image's point is none of the 3"),
        ({"channels": (channel(), channel(), channel())}, "3 channels in images of 2"),
    ],
)
def test_parts_that_do_not_agree_are_refused(rng, overrides, reason):
    with pytest.raises(ValueError, match=reason):
        environment(rng, **overrides)


def test_locations_are_the_points_coordinates(rng):
    locations = environment(rng).locations

    assert locations.tolist() == [[0, 0], [2, 0], [0, 4]]
    assert locations.dtype == np.float64


def test_without_points_there_are_no_locations():
    empty = replace(numbered([], []), points=())

    assert empty.locations.shape == (0, 2)


def test_a_selection_keeps_all_points(rng):
    whole = environment(rng)

    part = whole.select(np.array([4, 1]))

    assert part.points == whole.points
    np.testing.assert_array_equal(part.images, whole.images[[4, 1]])
    assert part.point_of.tolist() == [1, 0]
    assert part.visit_of.tolist() == whole.visit_of[[4, 1]].tolist()


def test_shots_come_from_as_many_visits_as_there_are():
    visits = ["a", "a", "a", "b", "b", "c"]

    assert shots([0] * 6, visits, 3) == [0, 3, 5]


def test_of_one_visit_shots_are_far_apart():
    assert shots([0] * 9, ["a"] * 9, 2) == [0, 8]
    assert shots([0] * 9, ["a"] * 9, 3) == [0, 4, 8]


def test_a_second_lap_takes_the_other_end_of_each_visit():
    visits = ["a"] * 3 + ["b"] * 3

    assert shots([0] * 6, visits, 4) == [0, 2, 3, 5]


def test_points_with_fewer_images_give_what_they_have():
    assert shots([0, 0, 0, 1], ["a", "b", "c", "a"], 2) == [0, 1, 3]


def test_points_without_images_stay_points():
    taken = numbered([1, 1], ["a", "b"]).take_shots(1)

    assert len(taken.points) == 2
    assert taken.point_of.tolist() == [1]


_labels = st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc")), max_size=40)


@given(_labels, st.integers(1, 6))
def test_shots_never_exceed_their_number_and_never_repeat(labels, k):
    point_of, visit_of = [p for p, _ in labels], [v for _, v in labels]

    taken = shots(point_of, visit_of, k)

    assert len(set(taken)) == len(taken)
    for point in set(point_of):
        rows = [i for i in taken if point_of[i] == point]
        visits = {visit_of[i] for i in rows}
        assert len(rows) == min(k, point_of.count(point))
        assert len(visits) == min(k, len({v for p, v in labels if p == point}))


def test_an_environment_comes_back_as_it_was(rng, tmp_path):
    saved = environment(
        rng,
        name="Küche",
        channels=(
            channel(core=2),
            channel(frame_format=FrameFormat(256, Phy.UNKNOWN, 0b0101, False)),
        ),
        heard=rng.random((9, 2)) < 0.5,
        visit_of=np.array([f"visit {i}" for i in range(9)]),
        is_simulated=True,
    )

    saved.save(tmp_path / "deep" / "shots.npz")
    loaded = Environment.load(tmp_path / "deep" / "shots.npz")

    for field in fields(Environment):
        before, after = getattr(saved, field.name), getattr(loaded, field.name)
        if isinstance(before, np.ndarray):
            np.testing.assert_array_equal(after, before)
        else:
            assert after == before
    assert loaded.images.dtype == np.uint8
    assert loaded.points == POINTS
    assert loaded.digest == saved.digest


@pytest.mark.parametrize(
    "change",
    [
        {"name": "office"},
        {"is_simulated": True},
        {"images": np.zeros((9, 2, 8, 16), np.uint8)},
        {"heard": np.zeros((9, 2), np.bool_)},
        {"visit_of": np.array(["1"] * 9)},
        {"point_of": np.zeros(9, np.intp)},
        {"points": (*POINTS[:2], replace(POINTS[2], room="hall"))},
        {"channels": (channel(),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_shots_have_another_digest(rng, change):
    shots = environment(rng)

    assert replace(shots, **change).digest != shots.digest


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(CalibrationError, match=r"shots.npz: No such file"):
        Environment.load(tmp_path / "shots.npz")


def test_a_damaged_file_says_so(rng, tmp_path):
    path = tmp_path / "shots.npz"
    environment(rng).save(path)
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(CalibrationError, match=r"shots.npz: is damaged"):
        Environment.load(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": "metaloc.environment/2"}, "has schema 'metaloc.environment/2'"),
        ({"spec": {"n_packets": 0}}, "n_packets is 0"),
        ({"spec": {"n_pakets": 8}}, "n_pakets"),
        ({"points": [{"name": "p"}]}, "missing"),
        ({"channels": [{"mac": "dc:a6:32:01:02:03"}]}, "frame_format"),
        ({"channels": 3}, "not iterable"),
        ({"points": []}, "an image's point is none of the 0"),
        ({"name": None, "spec": None}, "NoneType"),
    ],
)
def test_a_file_with_a_foreign_header_is_refused(rng, tmp_path, changes, reason):
    path = tmp_path / "shots.npz"
    environment(rng).save(path)
    header, arrays = unpack_arrays(
        path.read_bytes(), schema="metaloc.environment/1", max_bytes=1 << 30
    )
    path.write_bytes(pack_arrays(header | changes, arrays))

    with pytest.raises(CalibrationError, match=rf"shots.npz: .*{reason}"):
        Environment.load(path)


def test_a_file_without_an_array_is_refused(rng, tmp_path):
    path = tmp_path / "shots.npz"
    environment(rng).save(path)
    header, arrays = unpack_arrays(
        path.read_bytes(), schema="metaloc.environment/1", max_bytes=1 << 30
    )
    del arrays["heard"]
    path.write_bytes(pack_arrays(header, arrays))

    with pytest.raises(CalibrationError, match=r"shots.npz: .*heard"):
        Environment.load(path)


def test_a_channel_is_plain_json_and_comes_back():
    original = channel(core=3, has_rssi=False)

    item = channel_to_json(original)

    assert item == {
        "mac": "dc:a6:32:01:02:03",
        "core": 3,
        "frame_format": {
            "n_subcarriers": 64,
            "phy": 1,
            "subbands": 1,
            "overwritten": True,
        },
        "has_rssi": False,
    }
    assert channel_from_json(item) == original


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"core": "first"}, ValueError),
        ({"frame_format": None}, TypeError),
        ({"frame_format": {"n_subcarriers": 64}}, KeyError),
    ],
)
def test_a_foreign_channel_is_refused(changes, error):
    with pytest.raises(error):
        channel_from_json(channel_to_json(channel()) | changes)


def test_a_channel_of_no_known_phy_is_refused():
    item = channel_to_json(channel())
    item["frame_format"] |= {"phy": 9}

    with pytest.raises(ValueError, match="9 is not a valid Phy"):
        channel_from_json(item)


def test_the_specification_travels_with_the_images(rng, tmp_path):
    spec = replace(SPEC, floor_dbm=-90.5, max_span_s=7.25)
    environment(rng, spec=spec).save(tmp_path / "shots.npz")

    assert Environment.load(tmp_path / "shots.npz").spec == spec
