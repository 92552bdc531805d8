"""Path-loss sites as surveys: days, visits, points to test, and the file."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.survey_files import write_compact
from trainer.benchmark.episodes import make_episode
from trainer.benchmark.protocol import Protocol
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.splits import make_split
from trainer.methods.neighbours import NearestNeighbours
from trainer.models.rss_regression import RssTaskConfig, RssTaskSampler
from trainer.simulate.pathloss.errors import PathLossError
from trainer.simulate.pathloss.models import OFFICE_MIXED
from trainer.simulate.pathloss.shadowing import DayChange
from trainer.simulate.pathloss.site import draw_site
from trainer.simulate.pathloss.survey import choose_points, survey_task
from trainer.simulate.pathloss.tasks import TABLE_1
from trainer.surveys.compact import read_compact
from trainer.surveys.pathloss import (
    FILE,
    NO_CHANGE,
    SurveyPlan,
    environment_of,
    from_compact,
    survey_days,
    write_days,
)
from trainer.surveys.registry import load_survey
from trainer.surveys.report import Skips, SurveyDataError

SIZE = (10.0, 6.0)
SMALL = SurveyPlan(n_days=3, n_visits=2, n_samples=4)


def site_of(**options):
    options = {"power_dbm": 17.0, "n_aps": 5, "noise_db": 1.0} | options
    return draw_site(np.random.default_rng(1), OFFICE_MIXED, SIZE, **options)


def points_of(n=12):
    return choose_points(np.random.default_rng(2), SIZE, n)


def days_of(plan=SMALL, seed=3, site=None, points=None, **options):
    return survey_days(
        site or site_of(),
        points_of() if points is None else points,
        plan,
        np.random.default_rng(seed),
        **options,
    )


# -- days ------------------------------------------------------------------------------


def test_a_day_has_its_visits_of_all_points_in_order_of_time():
    days = days_of()

    assert [(d.name, d.order) for d in days] == [("d1", 1), ("d2", 2), ("d3", 3)]
    for day in days:
        assert day.is_simulated
        assert day.place is days[0].place
        assert day.place.name == "pathloss"
        assert day.place.channels == ("AP1", "AP2", "AP3", "AP4", "AP5")
        assert day.visit_of.tolist() == [0] * 48 + [1] * 48
        assert day.point_of.tolist() == [*np.repeat(range(12), 4)] * 2
        assert not day.is_test.any()
        assert day.signals.images is None


def test_signals_are_those_of_their_places():
    """With nothing that differs, each sample is the site's at its coordinates."""
    site = site_of(noise_db=0.0)
    still = SurveyPlan(n_days=2, n_samples=1, visit_db=0.0, change=NO_CHANGE)

    for day in days_of(still, site=site):
        np.testing.assert_allclose(
            day.signals.rss, site.mean_rss(day.locations), rtol=1e-6
        )


def test_visits_differ_by_how_the_device_is_put_down():
    plan = SurveyPlan(1, 2, 3, visit_db=4.0, change=NO_CHANGE)
    site = site_of(noise_db=0.0, n_aps=400)

    (day,) = days_of(plan, site=site)

    rss = day.signals.rss.reshape(2, 12, 3, 400)
    assert np.ptp(rss, axis=2).max() < 1e-4
    offset = rss[:, :, 0] - site.mean_rss(day.place.locations)
    assert offset.std() == pytest.approx(4, rel=0.05)
    assert abs(np.corrcoef(offset[0].ravel(), offset[1].ravel())[0, 1]) < 0.06


def test_days_differ_as_the_plan_says():
    change = DayChange(own_share=0.0, power_db=3.0)
    plan = SurveyPlan(2, 1, 1, visit_db=0.0, change=change)
    site = site_of(noise_db=0.0, n_aps=400)

    first, second = days_of(plan, site=site)

    offset = second.signals.rss - first.signals.rss
    assert offset[0].std() == pytest.approx(3 * np.sqrt(2), rel=0.15)
    np.testing.assert_allclose(offset - offset[0], 0, atol=1e-4)


def test_what_is_not_heard_stays_missing_however_the_device_lies():
    site = site_of(sensitivity_dbm=-45.0)

    rss = np.concatenate([day.signals.rss for day in days_of(site=site)])

    assert 0.05 < np.isnan(rss).mean() < 0.95
    assert np.nanmin(rss) >= -45


def test_points_that_only_test_are_more_points_of_the_place():
    more = np.array([[0.123, 0.234], [9.9, 5.9]])

    day, *_ = days_of(test_points=more)

    assert day.place.n_points == 14
    tested = np.unique(day.locations[day.is_test], axis=0)
    np.testing.assert_allclose(tested, more)
    assert len(np.unique(day.point_of[~day.is_test])) == 12


def test_the_same_seed_gives_the_same_days():
    first, again, other = (days_of(seed=seed) for seed in (1, 1, 2))

    for day, same, different in zip(first, again, other, strict=True):
        assert day.signals.rss.tobytes() == same.signals.rss.tobytes()
        assert day.signals.rss.tobytes() != different.signals.rss.tobytes()


@pytest.mark.parametrize(
    "wrong",
    [{"n_days": 0}, {"n_visits": -1}, {"n_samples": 0}, {"visit_db": float("nan")}],
)
def test_a_plan_of_nothing_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(PathLossError, match=f"{name} is "):
        SurveyPlan(**wrong)


def test_a_survey_that_no_memory_holds_is_refused():
    plan = SurveyPlan(n_days=1, n_visits=1, n_samples=1_000_000)

    plan.check_size(n_points=10, n_aps=10)
    with pytest.raises(PathLossError, match="110,000,000 received powers, more than"):
        plan.check_size(n_points=11, n_aps=10)
    with pytest.raises(PathLossError, match="received powers"):
        days_of(plan=replace(plan, n_days=100))


def test_points_outside_the_site_are_refused():
    with pytest.raises(PathLossError, match="point 0 is at "):
        days_of(points=np.array([[11.0, 1.0]]))


# -- tasks -----------------------------------------------------------------------------


def test_a_task_is_one_environment_whose_places_only_test():
    survey = survey_task(
        TABLE_1.task("tau1"),
        np.random.default_rng(4),
        n_reference_points=10,
        n_places=6,
        samples_per_reference=3,
        samples_per_place=2,
    )

    task = environment_of(survey, "tau1")

    assert (task.name, task.place.name, task.is_simulated) == ("tau1", "tau1", True)
    assert task.visit_of.tolist() == [0] * 30 + [1] * 12
    assert task.is_test.tolist() == [False] * 30 + [True] * 12
    np.testing.assert_allclose(
        task.locations,
        np.concatenate(
            [survey.reference_points.repeat(3, axis=0), survey.places.repeat(2, axis=0)]
        ),
        atol=0.0005,
    )
    np.testing.assert_array_equal(
        task.signals.rss[30:].reshape(6, 2, 24), survey.rss.astype(np.float32)
    )


# -- what runs on it -------------------------------------------------------------------


def test_methods_of_the_benchmark_run_on_the_days():
    days = days_of()
    protocol = Protocol("pathloss", history=("d1",), validation=("d2",), test=("d3",))
    split = make_split(protocol, days, days[2], "test", REGIMES["3shot"], seed=0)
    episode = make_episode(split)
    learnt = NearestNeighbours("wknn", "WKNN", k=3, is_weighted=True).learn(
        episode.history, np.random.default_rng(0)
    )

    fixes = learnt.calibrate(episode.place, episode.shots).locate(episode.queries)

    truth = episode.place.locations
    middle = np.linalg.norm(truth - truth.mean(axis=0), axis=1).mean()
    error = np.linalg.norm(fixes.locations - episode.truth.locations, axis=1)
    assert error.mean() < middle


def test_tasks_of_the_regression_are_drawn_from_the_days():
    sampler = RssTaskSampler(days_of(), RssTaskConfig(k=3, n_references=(4, 8)))

    task = sampler.draw(np.random.default_rng(0))

    assert task.support.inputs.shape[1] == task.query.inputs.shape[1] == 9


# -- the file --------------------------------------------------------------------------


def test_days_come_back_from_their_file(tmp_path):
    days = days_of(site=site_of(sensitivity_dbm=-50.0), test_points=points_of(60)[50:])

    write_days(tmp_path / "deep" / FILE, days, {"seed": 3})

    found = load_survey("pathloss", tmp_path / "deep")
    assert [e.name for e in found] == ["d1", "d2", "d3"]
    for day, same in zip(days, found, strict=True):
        assert (same.order, same.is_simulated) == (day.order, True)
        np.testing.assert_array_equal(same.signals.rss, day.signals.rss)
        np.testing.assert_array_equal(same.place.locations, day.place.locations)
        assert same.place.channels == day.place.channels
        for name in ("point_of", "visit_of", "is_test"):
            np.testing.assert_array_equal(getattr(same, name), getattr(day, name))


def test_levels_that_no_receiver_reports_are_kept(tmp_path):
    """Model (b) at one metre and a large σ: above 0 dBm, as the paper has it."""
    (day,) = days_of(SurveyPlan(n_days=1))
    loud = replace(day.signals, rss=day.signals.rss + 80)

    write_days(tmp_path / FILE, [replace(day, signals=loud)], {})

    (found,) = load_survey("pathloss", tmp_path)
    assert found.signals.rss.max() > 0
    np.testing.assert_array_equal(found.signals.rss, loud.rss)


def test_the_file_says_what_made_it_and_is_always_the_same(tmp_path):
    for name in ("first", "again"):
        write_days(tmp_path / name, days_of(), {"seed": 3, "model": "c"})

    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()
    about = read_compact(tmp_path / "first")["about"]
    assert str(about) == '{"model": "c", "seed": 3}'


@pytest.mark.parametrize(
    ("about", "origin"),
    [
        ({"model": "e", "seed": 3}, "path-loss model e, seed 3"),
        (
            {"model": "e", "seed": 3, "correlated": True, "paper": False},
            "path-loss model e, correlated shadowing, seed 3",
        ),
        (
            {"model": "b", "seed": 0, "paper": True},
            "path-loss model b, as in the paper, seed 0",
        ),
        ({}, ""),
        ({"model": "e"}, ""),
        ({"model": "e", "seed": True}, ""),
        ({"model": "| # real", "seed": 3}, ""),
        ({"model": ["e"], "seed": 3}, ""),
    ],
)
def test_days_say_which_model_and_seed_they_are_of(tmp_path, about, origin):
    write_days(tmp_path / FILE, days_of(), about)

    assert {day.origin for day in load_survey("pathloss", tmp_path)} == {origin}


@pytest.mark.parametrize("about", ["{", "[]", "5", "[" * 100_000])
def test_a_file_whose_story_is_damaged_is_refused(tmp_path, about):
    write_days(tmp_path / FILE, days_of(), {})
    arrays = read_compact(tmp_path / FILE) | {"about": np.array(about)}

    with pytest.raises(SurveyDataError, match="array about is no JSON object"):
        from_compact(tmp_path / FILE, arrays, Skips())


def test_samples_without_coordinates_are_counted(tmp_path):
    arrays = good_arrays(xy=np.array([[0.0, 0.0], [np.nan, 1.0], [2.0, 2.0]]))
    skips = Skips()

    (day,) = from_compact(tmp_path, arrays, skips)

    assert len(day) == 2
    assert skips.counts == {"samples without coordinates": 1}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rss": np.zeros((3, 2), np.int8)}, "array rss is int8, expected kind f"),
        ({"day": np.ones(3)}, "array day is float64"),
        ({"is_test": np.zeros(3)}, "array is_test is float64"),
        ({"visit": np.zeros(2, int)}, "array visit has shape"),
        ({"rss": np.full((3, 2), np.inf)}, "a received power is infinite"),
        ({"rss": np.full((3, 2), -1e300)}, "a received power is infinite"),
        ({"xy": np.full((3, 2), np.nan)}, "not one sample has coordinates"),
        ({"rss": np.zeros((3, 0))}, "heard in no channel"),
    ],
)
def test_a_file_that_is_not_sound_is_refused(tmp_path, wrong, message):
    write_compact(tmp_path, FILE, **good_arrays(**wrong))

    with pytest.raises(SurveyDataError, match=message):
        load_survey("pathloss", tmp_path)


def good_arrays(**other):
    return {
        "rss": np.full((3, 2), -50.0),
        "xy": np.arange(6.0).reshape(3, 2),
        "day": np.ones(3, np.int64),
        "visit": np.zeros(3, np.int64),
        "is_test": np.zeros(3, np.bool_),
    } | other
