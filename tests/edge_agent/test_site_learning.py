"""From shots to a calibration in use: better ones replace, worse ones are kept."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays, unpack_arrays
from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import Kind
from edge_agent.calibration import Calibration
from edge_agent.csi_model import CsiModel
from edge_agent.drift.baseline import Revisits
from edge_agent.environment import Environment
from edge_agent.errors import CalibrationError
from edge_agent.estimate import Quality
from edge_agent.estimators import Estimator
from edge_agent.generations import ORIGINAL
from edge_agent.history import align
from edge_agent.learning.backends import Backend
from edge_agent.site_learning import (
    MAX_PER_POINT,
    Talk,
    beside_past,
    learn_site,
    undo,
    use,
)
from edge_agent.site_state import SiteState
from edge_agent.survey import Point
from tests.edge_agent.sites import POINTS, SPEC, environment

NOW = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def bundle(neighbours_directory):
    return Bundle.load(neighbours_directory)


@pytest.fixture
def model(bundle):
    return CsiModel(bundle)


@pytest.fixture
def site(tmp_path):
    return SiteState(tmp_path / "state" / "home", Kind.CSI)


@pytest.fixture
def learn(model, site):
    """Learn shots; returns the outcome, and what was said."""

    def learn(shots, *, now=NOW, **options):
        learn.said = []
        return learn_site(
            model,
            site,
            shots,
            now=now,
            backend=Backend.NUMPY,
            talk=talk(learn.said),
            **options,
        )

    return learn


def talk(said):
    return Talk(lambda _stage: None, lambda _step, _loss: None, said.append)


def walked(walk, *, points=POINTS, noise=3, day=0, n_laps=3, seed=0):
    """Shots of one walk: each point looks like itself, and every day otherwise."""
    rng = np.random.default_rng([seed, day, n_laps])
    shots = environment(rng, points=points, n_per_point=n_laps)
    looks = np.stack(
        [
            np.random.default_rng([day, int(p.name[1:])]).integers(80, 200, SPEC.shape)
            for p in points
        ]
    )[shots.point_of]
    images = np.clip(looks + rng.normal(0, noise, looks.shape), 0, 255).astype(np.uint8)
    visits = np.array([f"{walk}/{lap}" if walk else lap for lap in shots.visit_of])
    return replace(shots, images=images, visit_of=visits)


def test_the_first_calibration_of_a_site_is_put_in_use(learn, model, site):
    outcome = learn(walked("20261123T101500Z"))

    assert outcome.is_active
    assert outcome.before is None
    assert outcome.why == "put in use: there was none before"
    assert outcome.name == site.generations.active == "20261123T101500Z"
    assert model.load_calibration(site.folder).points == POINTS
    assert (outcome.check.after.error, outcome.check.before) == (
        pytest.approx(0, abs=0.01),
        None,
    )
    assert not site.history.exists()


def test_what_locates_better_replaces_what_is_in_use(learn, site):
    learn(walked("20261122T101500Z", day=1))

    outcome = learn(walked("20261123T101500Z", day=2), now=NOW.replace(hour=11))

    assert outcome.check.before.error > 1
    assert outcome.check.is_worth_it
    assert outcome.is_active
    assert outcome.before == "20261123T101500Z"
    assert outcome.why.startswith("put in use: 9 of 9 rooms right, mean error 0.00 m; ")
    assert site.generations.active == "20261123T111500Z"


def test_what_locates_worse_is_kept_aside(learn, site):
    learn(walked("20261122T101500Z"))
    worse = walked("20261123T101500Z")
    worse = replace(worse, point_of=np.roll(worse.point_of, 1))  # labels mixed up

    outcome = learn(worse)

    assert not outcome.is_active
    assert outcome.why.startswith("not put in use: ")
    assert outcome.why.endswith("To use the new one anyway: --force")
    assert site.generations.active != outcome.name
    assert outcome.name in site.generations.names()


def test_who_insists_has_it_put_in_use(learn, site):
    learn(walked("20261122T101500Z"))

    outcome = learn(walked("20261123T101500Z", n_laps=1), force=True)

    assert outcome.is_active
    assert site.generations.active == outcome.name


def test_one_shot_per_point_beside_nothing_is_used_and_not_checked(learn):
    outcome = learn(walked("", n_laps=1))

    assert outcome.check is None
    assert outcome.is_active


def test_one_shot_per_point_does_not_replace_what_cannot_be_compared(learn):
    learn(walked("", n_laps=3))

    outcome = learn(walked("", n_laps=1))  # the same walk: no history

    assert not outcome.is_active
    assert "record a second lap, or use it anyway with --force" in outcome.why


def test_the_walks_before_become_history(learn, site):
    learn(walked("20261121T101500Z"))
    learn(walked("20261122T101500Z"), force=True)

    learn(walked("20261123T101500Z", points=POINTS[:2], n_laps=1), force=True)

    history = Environment.load(site.history)
    walks = {visit.split("/")[0] for visit in history.visit_of}
    assert walks == {"20261121T101500Z", "20261122T101500Z"}
    assert Environment.load(site.shots).points == history.points == POINTS


def test_a_point_that_was_not_walked_to_is_still_located(learn, model, site):
    learn(walked("20261122T101500Z"))
    learn(walked("20261123T101500Z", points=POINTS[:2], n_laps=1), force=True)

    answers = model.locate(
        model.load_calibration(site.folder),
        walked("20261124T101500Z", points=POINTS[2:]),
        backend=Backend.NUMPY,
    )

    assert [answer.rooms[0][0] for answer in answers] == ["office"] * 3


def test_after_a_sparse_walk_all_points_are_told_of_apart_from_those_walked_to(
    learn,
):
    for day in (20, 21, 22):
        learn(walked(f"202611{day}T101500Z", noise=30), force=True)

    outcome = learn(walked("20261123T101500Z", points=POINTS[:2], noise=30))

    assert outcome.check.is_sparse
    assert (outcome.check.n_points, outcome.check.n_site_points) == (2, 3)
    assert "put in use: at the 2 points walked to, " in outcome.why
    assert outcome.prospect.error_m is not None
    # Of four walks three know of all points: one lap each, and two of the newest.
    assert outcome.prospect.n_revisits > 2 * 3
    assert outcome.prospect.is_same_day


def test_what_nobody_asked_about_is_not_promised(learn):
    """Of one walk of a single lap, nothing tells how old shots are located later."""
    learn(walked("20261122T101500Z", n_laps=1))

    outcome = learn(walked("20261123T101500Z", points=POINTS[:2]))

    assert outcome.check.is_sparse
    assert outcome.prospect is None


def test_a_full_walk_says_nothing_of_points(learn):
    learn(walked("20261122T101500Z"))

    outcome = learn(walked("20261123T101500Z"))

    assert not outcome.check.is_sparse
    assert "walked to" not in outcome.why
    assert outcome.prospect.n_revisits == 3 * 6


def test_more_shots_of_a_walk_are_not_beside_themselves(learn, site):
    """A shot that is added later makes the walk longer; the walk is not its history."""
    learn(walked("20261123T101500Z"))

    learn(walked("20261123T101500Z", n_laps=4), force=True)

    assert not site.history.exists()


def test_of_each_point_the_newest_shots_are_history(model, site):
    """Short walks later do not push out the one that was everywhere."""
    everywhere = walked("20261101T101500Z")
    n_laps = MAX_PER_POINT + 5
    short = walked("20261102T101500Z", points=POINTS[:1], n_laps=n_laps)
    visits = [f"20261102T101500Z/{int(v.split('/')[1]):02d}" for v in short.visit_of]
    short, older = align(replace(short, visit_of=np.array(visits)), everywhere)
    site.folder.mkdir(parents=True)
    short.save(site.shots)
    older.save(site.history)

    _, history = beside_past(model, site, walked("20261123T101500Z"), print)

    assert np.bincount(history.point_of).tolist() == [MAX_PER_POINT, 3, 3]
    assert min(history.visit_of[history.point_of == 0].tolist()) == (
        "20261102T101500Z/06"
    )


def test_history_of_many_points_has_fewer_shots_of_each(model, site, monkeypatch):
    monkeypatch.setattr("edge_agent.site_learning.MAX_HISTORY", 6)
    site.folder.mkdir(parents=True)
    walked("20261101T101500Z").save(site.shots)

    _, history = beside_past(model, site, walked("20261123T101500Z"), print)

    assert np.bincount(history.point_of).tolist() == [2, 2, 2]
    assert {v.split("/")[1] for v in history.visit_of.tolist()} == {"2", "3"}


def test_a_past_that_cannot_be_read_keeps_nobody_from_calibrating(learn, site):
    learn(walked("20261122T101500Z"))
    site.shots.write_bytes(b"damaged")

    outcome = learn(walked("20261123T101500Z"), force=True)

    assert outcome.is_active
    assert learn.said[0].startswith("what was recorded before is left out: ")


def test_a_calibration_in_use_that_is_damaged_is_said_so(learn, site, bundle):
    learn(walked("20261122T101500Z"))
    site.calibration(bundle.digest).write_bytes(b"damaged")

    outcome = learn(walked("20261123T101500Z"))

    assert outcome.is_active
    (said,) = [said for said in learn.said if said.startswith("nothing to compare")]
    assert "What was in use is kept" in said
    assert "calibrate --undo" in said
    assert outcome.why.endswith("cannot use the one before, which is kept")


def test_trust_of_a_newer_agent_is_refused_in_plain_words(learn, site, bundle):
    learn(walked("20261122T101500Z"))
    path = site.calibration(bundle.digest)
    header, arrays = unpack_arrays(
        path.read_bytes(), schema="metaloc.calibration/1", max_bytes=1 << 30
    )
    header["trusts"][0]["later"]["luck"] = 1.0
    path.write_bytes(pack_arrays(header, arrays))

    with pytest.raises(
        CalibrationError,
        match=r"npz: later of trust has 'luck', .*made by a newer agent. Update",
    ):
        Calibration.load(path, bundle)


def test_points_without_coordinates_do_not_go_with_points_that_have_some(learn):
    learn(walked("20261122T101500Z"))
    rooms = (Point("p4", None, None, "hall"), Point("p5", None, None, "attic"))

    outcome = learn(walked("20261123T101500Z", points=rooms), force=True)

    assert outcome.is_active
    assert "give them to all points, or to none" in learn.said[0]


# -- the way back ----------------------------------------------------------------------


def test_the_calibration_before_is_returned_to(learn, model, site):
    first = learn(walked("20261122T101500Z"))
    learn(walked("20261123T101500Z", day=2), force=True)

    name = undo(model, site, now=NOW, backend=Backend.NUMPY, talk=talk([]))

    assert name == first.name == site.generations.active
    with pytest.raises(
        CalibrationError,
        match=r"home has no calibration before the one in use \(20261123T101500Z\); ke",
    ):
        undo(model, site, now=NOW, backend=Backend.NUMPY, talk=talk([]))


def test_what_was_kept_aside_can_be_used_later(learn, model, site):
    learn(walked("20261122T101500Z"))
    other = learn(walked("20261123T101500Z", day=2), force=True)
    undo(model, site, now=NOW, backend=Backend.NUMPY, talk=talk([]))

    use(model, site, other.name, now=NOW, backend=Backend.NUMPY, talk=talk([]))

    assert site.generations.active == other.name


def test_a_bundle_that_has_not_learnt_it_yet_does_so_first(learn, model, site, bundle):
    first = learn(walked("20261122T101500Z"))
    learn(walked("20261123T101500Z", day=2), force=True)
    stored = site.generations.path(first.name) / site.calibration(bundle.digest).name
    before = Calibration.load(stored, bundle)
    stored.unlink()

    undo(model, site, now=NOW, backend=Backend.NUMPY, talk=talk([]))

    assert Calibration.load(stored, bundle).shots_digest == before.shots_digest


def test_there_is_a_way_back_to_what_agents_before_this_one_made(learn, model, site):
    site.folder.mkdir(parents=True)
    walked("").save(site.shots)
    learn(walked("20261123T101500Z"), force=True)

    assert undo(model, site, now=NOW, backend=Backend.NUMPY, talk=talk([])) == ORIGINAL
    assert model.load_calibration(site.folder).points == POINTS


def test_a_calibration_that_is_not_there_is_not_used(learn, model, site):
    learn(walked("20261122T101500Z"))

    with pytest.raises(CalibrationError, match="has no calibration nowhere; there are"):
        use(model, site, "nowhere", now=NOW, backend=Backend.NUMPY, talk=talk([]))


# -- what re-visits look like ----------------------------------------------------------


def test_a_calibration_knows_what_revisits_look_like(learn, model, site):
    learn(walked("20261122T101500Z"))

    revisits = model.load_calibration(site.folder).revisits

    assert len(revisits) == 9  # three laps of three points, each beside the others
    assert revisits.n_channels == SPEC.n_channels


def test_revisits_of_other_images_do_not_belong_to_the_bundle(
    learn, model, site, bundle
):
    learn(walked("20261122T101500Z"))
    calibration = model.load_calibration(site.folder)
    revisits = calibration.revisits
    other = Revisits(revisits.nearest, *[np.ones((9, 5))] * 3)
    path = site.calibration(bundle.digest)
    replace(calibration, revisits=other).save(path)

    with pytest.raises(
        CalibrationError, match="re-visits of 5 channels, images have 2"
    ):
        Calibration.load(path, bundle)


def test_what_is_like_another_one_does_not_replay_again(learn, model, bundle):
    calibration = learn(walked("20261122T101500Z")).calibration

    sketch = model.adapt(
        walked("20261122T101500Z", n_laps=1),
        like=calibration,
        now=NOW,
        backend=Backend.NUMPY,
        on_step=print,
        on_caution=print,
    )

    assert sketch.revisits is calibration.revisits


# -- how far to trust it, and what history draws ---------------------------------------


def test_the_estimator_that_wins_the_replay_locates(learn, model, site):
    learn(walked("20261122T101500Z"))

    calibration = model.load_calibration(site.folder)

    first, *others = calibration.trusts
    assert {first.estimator, *(t.estimator for t in others)} == {
        Estimator.NETWORK,
        Estimator.NEIGHBOURS,
        Estimator.ENSEMBLE,
    }
    assert first.estimator is Estimator.NEIGHBOURS  # the network is random
    assert first.scores[0][1] < 0.1 < first.floors.centre
    assert calibration.trust_in(Estimator.NETWORK).is_forced
    assert calibration.trust_in(Estimator.MAP) is None
    assert calibration.bent_map is None


def test_a_site_with_a_past_has_a_map(learn, model, site, bundle):
    learn(walked("20261121T101500Z"))
    learn(walked("20261122T101500Z"), force=True)

    calibration = model.load_calibration(site.folder)

    assert calibration.trust_in(Estimator.MAP) is not None
    located = CsiModel(bundle, Estimator.MAP).locate(
        calibration, walked("20261123T101500Z"), backend=Backend.NUMPY
    )
    assert [answer.rooms[0][0] for answer in located[::3]] == [p.room for p in POINTS]


def test_an_access_point_that_went_is_named(learn):
    learn(walked("20261121T101500Z"))
    learn(walked("20261122T101500Z"), force=True)
    fresh = walked("20261123T101500Z")
    fresh.heard[:, 1] = False
    fresh.images[:, 1] = 0

    learn(fresh, force=True)

    gone = fresh.channels[1].mac
    assert f"{gone} used to be heard here and is no longer: left out" in learn.said


def test_a_location_says_how_far_to_trust_it(learn, model, site):
    learn(walked("20261122T101500Z"))

    (answer, *_) = model.locate(
        model.load_calibration(site.folder),
        walked("20261122T111500Z"),
        backend=Backend.NUMPY,
    )

    assert answer.quality is Quality.OK
    assert answer.quality_score > 0.5


@pytest.mark.parametrize("trusts", ["yes", [{}] * 9, [{"estimator": "magic"}]])
def test_trust_that_makes_no_sense_is_refused(learn, site, bundle, trusts):
    learn(walked("20261122T101500Z"))
    path = site.calibration(bundle.digest)
    header, arrays = unpack_arrays(
        path.read_bytes(), schema="metaloc.calibration/1", max_bytes=1 << 30
    )
    path.write_bytes(pack_arrays(header | {"trusts": trusts}, arrays))

    with pytest.raises(CalibrationError, match=r"calibration-.*npz: "):
        Calibration.load(path, bundle)
