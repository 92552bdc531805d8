"""Our own recordings, brought back from pixels to amplitudes."""

import dataclasses

import numpy as np
import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment as DeviceEnvironment
from edge_agent.generations import Generations
from edge_agent.survey import Point
from tests.conftest import ROOT
from tests.trainer.builders import channels
from trainer.surveys.device import from_original
from trainer.surveys.report import Skips, SurveyDataError

SPEC = ImageSpec(n_packets=4, n_tones=6, n_channels=3)


def recording(*, points=((1.0, 2.0), (3.0, 4.0)), heard=None, spec=SPEC, **replaced):
    """Two images per point in visits "2" then "1"; pixels are the image's number."""
    n = 2 * len(points)
    images = np.zeros((n, *spec.shape), np.uint8)
    images += np.arange(100, 100 + n, dtype=np.uint8)[:, None, None, None]
    fields = {
        "name": "home",
        "spec": spec,
        "channels": channels(2),
        "points": tuple(Point(f"p{k}", x, y) for k, (x, y) in enumerate(points)),
        "images": images,
        "heard": np.ones((n, 3), bool) if heard is None else heard,
        "point_of": np.repeat(np.arange(len(points)), 2),
        "visit_of": np.array(["2", "1"] * len(points)),
        "is_simulated": True,
    }
    return DeviceEnvironment(**fields | replaced)


def test_pixels_become_amplitudes_and_power(tmp_path):
    heard = np.ones((4, 3), bool)
    heard[0, 1] = False
    recording(heard=heard).save(tmp_path / "home" / "shots.npz")

    (environment,) = from_original(tmp_path, Skips())

    assert environment.place.name == "device/home"
    assert environment.signals.images.shape == (4, 4, 6, 2)
    level = -110 + 100 / 255 * np.arange(100, 104)  # [dBm]
    order = [0, 2, 1, 3]  # visit "2" was first
    np.testing.assert_allclose(environment.signals.rss[:, 0], level[order], atol=1e-4)
    np.testing.assert_allclose(
        environment.signals.images[:, 0, 0, 0], 10 ** ((level[order] + 60) / 20), 1e-5
    )
    assert np.isnan(environment.signals.rss[0, 1])
    assert not environment.signals.images[0, ..., 1].any()
    assert environment.visit_of.tolist() == [0, 0, 1, 1]
    assert environment.locations.tolist() == [[1, 2], [3, 4], [1, 2], [3, 4]]
    assert environment.is_simulated


def test_channels_without_rssi_have_no_power(tmp_path):
    deaf = tuple(dataclasses.replace(c, has_rssi=False) for c in channels(2))
    recording(channels=deaf).save(tmp_path / "home" / "shots.npz")

    (environment,) = from_original(tmp_path, Skips())

    assert np.isnan(environment.signals.rss).all()
    assert environment.signals.heard.all()


def test_occasions_of_a_site_share_points_and_channels(tmp_path):
    recording(channels=channels(3)[1:]).save(tmp_path / "home" / "b" / "shots.npz")
    recording(points=((9.0, 9.0),)).save(tmp_path / "home" / "a" / "shots.npz")
    recording().save(tmp_path / "office" / "shots.npz")

    first, second, other = from_original(tmp_path, Skips())

    assert [first.name, second.name, other.name] == ["home/a", "home/b", "office"]
    assert [first.order, second.order, other.order] == [0, 1, 0]
    assert first.place is second.place
    assert len(first.place.channels) == 3
    assert first.signals.heard.tolist() == [[True, True, False]] * 2
    assert second.signals.heard[0].tolist() == [False, True, True]
    assert first.n_points == 3
    assert first.locations.tolist() == [[9, 9]] * 2


def test_the_folder_itself_may_be_the_site(tmp_path):
    recording().save(tmp_path / "shots.npz")

    (environment,) = from_original(tmp_path, Skips())

    assert environment.name == tmp_path.name


def test_what_the_agent_keeps_of_a_site_is_read_once(tmp_path):
    site = Generations(tmp_path / "linked" / "home")
    site.site.mkdir(parents=True)
    first, second = recording(), recording(points=((9.0, 9.0),))
    for shots in (first, second, second):
        with site.draft("20261123T101500Z") as (name, folder):
            shots.save(folder / "shots.npz")
        site.activate(name)
    (tmp_path / "state").symlink_to(tmp_path / "linked")
    skips = Skips()

    found = from_original(tmp_path / "state", skips)

    kept = "home/calibrations/20261123T101500Z"
    assert [e.name for e in found] == [kept, f"{kept}-2"]
    assert skips.counts == {"recordings that were kept twice": 1}


def test_recordings_without_images_are_counted(tmp_path):
    recording().save(tmp_path / "home" / "shots.npz")
    recording(points=()).save(tmp_path / "empty" / "shots.npz")
    skips = Skips()

    assert len(from_original(tmp_path, skips)) == 1
    assert skips.counts == {"recordings without an image": 1}


def test_images_of_two_sizes_at_one_site_are_refused(tmp_path):
    recording().save(tmp_path / "home" / "a" / "shots.npz")
    other = dataclasses.replace(SPEC, n_packets=5)
    recording(spec=other).save(tmp_path / "home" / "b" / "shots.npz")

    with pytest.raises(SurveyDataError, match=r"home: .*different sizes"):
        from_original(tmp_path, Skips())


def test_a_damaged_recording_is_named(tmp_path):
    (tmp_path / "shots.npz").write_bytes(b"no recording")

    with pytest.raises(SurveyDataError, match=r"shots\.npz: "):
        from_original(tmp_path, Skips())


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(SurveyDataError, match=r"has no shots\.npz"):
        from_original(tmp_path, Skips())


def test_the_demonstrations_recording_is_read():
    (flat,) = from_original(ROOT / "edge_agent" / "demo", Skips())

    assert flat.is_simulated
    assert flat.signals.images.shape[1:] == (50, 52, 3)
    assert np.nanmax(flat.signals.rss) < -20
