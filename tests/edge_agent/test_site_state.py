"""The files of a site: its shots, and a calibration for each bundle."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from edge_agent.bundles.files import Kind
from edge_agent.calibration import Calibration
from edge_agent.errors import CalibrationError
from edge_agent.guide.setting import WALKS
from edge_agent.site_state import SiteFiles, SiteState, find_calibration, site_states
from edge_agent.survey import Point
from edge_agent.walking.plan import WalkPlan
from edge_agent.walking.walk_store import WalkStore
from tests.edge_agent.sites import random_calibration

DIGEST = "0123456789abcdef" * 4


def touched(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_each_bundle_has_a_calibration_of_its_own(tmp_path):
    site = SiteState(tmp_path / "home", Kind.CSI)

    assert (
        site.calibration(DIGEST) == tmp_path / "home/calibration-0123456789abcdef.npz"
    )
    assert site.calibration(DIGEST[:16]) == site.calibration(DIGEST)


def test_kinds_do_not_share_files(tmp_path):
    csi, rss = (SiteState(tmp_path / "home", kind) for kind in Kind)

    assert csi.shots != rss.shots
    assert csi.calibration(DIGEST) != rss.calibration(DIGEST)


def test_the_files_are_those_of_the_calibration_in_use(tmp_path):
    site = SiteState(tmp_path / "home", Kind.CSI)
    touched(site.shots)

    with site.generations.draft("new") as (name, folder):
        touched(SiteFiles(folder, Kind.CSI).calibration(DIGEST))

    assert site.stored_calibration(DIGEST) is None
    site.generations.activate(name)
    assert site.stored_calibration(DIGEST) == site.in_use.calibration(DIGEST)
    assert site.shots == tmp_path / "home" / "calibrations" / "new" / "shots.npz"
    assert site.history == site.shots.with_name("history.npz")
    assert site.is_in_use


def test_a_calibration_of_former_agents_is_found(tmp_path):
    site = SiteState(tmp_path / "home", Kind.CSI)
    assert site.stored_calibration(DIGEST) is None

    former = touched(tmp_path / "home" / "calibration.npz")
    assert site.stored_calibration(DIGEST) == former

    own = touched(site.calibration(DIGEST))
    assert site.stored_calibration(DIGEST) == own


def test_sites_are_what_has_shots_or_calibrations(tmp_path):
    touched(tmp_path / "b-shots" / "shots.npz")
    touched(tmp_path / "a-calibrated" / "calibration-0123456789abcdef.npz")
    touched(tmp_path / "c-heard" / "rss-shots.npz")
    touched(tmp_path / "other" / "notes.txt")
    touched(tmp_path / "bundles" / "shots.npz")
    touched(tmp_path / "shots.npz")

    for kind in Kind:
        sites = list(site_states(tmp_path, kind))
        assert [site.site for site in sites] == ["a-calibrated", "b-shots", "c-heard"]
        assert {site.kind for site in sites} == {kind}


def test_without_a_state_directory_there_are_no_sites(tmp_path):
    assert list(site_states(tmp_path / "nowhere", Kind.CSI)) == []


def test_the_calibration_that_fits_is_found(rng, bundle, tmp_path):
    site = SiteState(tmp_path / "home", Kind.CSI)
    saved = random_calibration(rng, bundle)
    saved.save(site.calibration(bundle.digest))
    touched(tmp_path / "home" / "calibration.npz")

    path = find_calibration(site, bundle.files)

    loaded = Calibration.load(path, bundle)
    np.testing.assert_array_equal(
        loaded.parameters["head.weight"], saved.parameters["head.weight"]
    )


def test_a_site_of_which_nothing_is_known_says_to_walk_first(bundle, tmp_path):
    with pytest.raises(CalibrationError) as refused:
        find_calibration(SiteState(tmp_path / "home", Kind.CSI), bundle.files)

    said = str(refused.value)
    assert said.startswith("site home is not calibrated: no walk")
    assert 0 < said.index("edge_agent calibrate --site home") < said.index("adapt")
    assert "edge_agent adapt survey.csv --site home" in said
    assert ".npz" not in said


def test_a_site_with_a_walk_left_halfway_says_to_go_on_with_it(bundle, tmp_path):
    site = SiteState(tmp_path / "home", Kind.CSI)
    plan = WalkPlan((Point("desk", 0.0, 0.0),), laps=1)
    with WalkStore(site.walks).begin(plan, "20261123T101500Z"):
        pass

    with pytest.raises(
        CalibrationError,
        match=r"20261123T101500Z was left halfway.*calibrate --site home --resume",
    ):
        find_calibration(site, bundle.files)


def test_walks_that_cannot_be_read_keep_nobody_from_hearing_what_to_do(
    bundle, tmp_path, monkeypatch
):
    site = SiteState(tmp_path / "home", Kind.CSI)
    site.walks.mkdir(parents=True)

    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(CalibrationError, match="edge_agent calibrate --site home"):
        find_calibration(site, bundle.files)


def test_walks_are_looked_for_where_they_are_kept(tmp_path):
    assert SiteState(tmp_path / "home", Kind.CSI).walks.name == WALKS


def test_a_site_that_knows_other_bundles_says_how_to_adapt_this_one(bundle, tmp_path):
    site = SiteState(tmp_path / "home", Kind.CSI)
    touched(site.calibration("f" * 16))

    with pytest.raises(
        CalibrationError,
        match=r"not calibrated for the bundle tiny-1: .* to the site's shots: edge_age",
    ):
        find_calibration(site, bundle.files)
