"""What every method promises, whichever it is; the registry is the list.

A method that is added there is tried here on a survey of received power and on one of
CSI images, where it can be. Whether it is any good is for the benchmark to say: here it
must find what is easy to find.
"""

import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.trainer.surveyed import CENTRE, Episode, csi_episode, rss_episode
from trainer.benchmark.episodes import permute_labels
from trainer.benchmark.leakage import check_causal
from trainer.methods.contract import Needs
from trainer.methods.ensemble import Ensemble
from trainer.methods.ilcl import Ilcl
from trainer.methods.networks import Budget, NetworkMethod
from trainer.methods.registry import methods
from trainer.surveys.environment import Signals

SHORT = Budget(n_epochs=8, max_iterations=40, max_steps=10)
"""Enough to find what is easy to find."""

BRIEF = Budget(n_epochs=1, max_iterations=2, max_steps=1)
"""Enough for every promise but that of locating well."""


def trained(method, budget, n_epochs):
    """The method with less training than even the quick registry gives it."""
    if isinstance(method, NetworkMethod):
        return replace(method, budget=budget)
    if isinstance(method, Ilcl):
        return replace(method, n_epochs=n_epochs)
    if isinstance(method, Ensemble):
        members = tuple(trained(m, budget, n_epochs) for m in method.members)
        return replace(method, members=members)
    return method


METHODS = {n: trained(m, SHORT, 10) for n, m in methods(quick=True).items()}
BRIEFLY = {n: trained(m, BRIEF, 1) for n, m in METHODS.items()}
EPISODES = {"rss": rss_episode(), "csi": csi_episode()}

FLOORS = ("centre", "random5")
"""They do not look at the signal."""

IN_METRES = ("ri", "tl", "maml", "maml_ts", "maml_dg")
"""They know lengths, so that another scale of the map is another problem."""


def cases(change=lambda episode: episode):
    """Every method with every survey that, changed like this, has what it needs."""
    return [
        pytest.param(name, kind, id=f"{name}-{kind}")
        for name, method in METHODS.items()
        for kind, episode in EPISODES.items()
        if method.needs in change(episode).offers
    ]


CASES = cases()
every_case = pytest.mark.parametrize(("name", "kind"), CASES)
every_zero_shot_case = pytest.mark.parametrize(
    ("name", "kind"), cases(Episode.without_shots)
)
every_case_without_history = pytest.mark.parametrize(
    ("name", "kind"), cases(Episode.without_history)
)


def learn(name, episode, *, seed=1, made=BRIEFLY):
    return made[name].learn(episode.history, np.random.default_rng(seed))


def locate(name, episode, *, seed=1, made=BRIEFLY):
    """Learn, calibrate and locate."""
    learnt = learn(name, episode, seed=seed, made=made)
    locator = learnt.calibrate(episode.place, episode.shots)
    return locator.locate(episode.queries.signals)


@cache
def learnt(name, kind):
    """What a method learnt; several tests share it, which is a test by itself."""
    return learn(name, EPISODES[kind])


@cache
def locator(name, kind):
    episode = EPISODES[kind]
    return learnt(name, kind).calibrate(episode.place, episode.shots)


@cache
def fixes(name, kind):
    return locator(name, kind).locate(EPISODES[kind].queries.signals)


def mean_error(locations, episode):
    return float(np.linalg.norm(locations - episode.queries.locations, axis=1).mean())


def assert_same(found, expected, *, atol=1e-4):
    """Compare fixes; the tolerance is a tenth of a millimetre, for 32-bit networks."""
    np.testing.assert_allclose(found.locations, expected.locations, rtol=0, atol=atol)
    assert (found.posterior is None) == (expected.posterior is None)
    if found.posterior is not None:
        np.testing.assert_allclose(
            found.posterior, expected.posterior, rtol=0, atol=atol
        )


def assert_sound(found, episode, n):
    """Check shapes, types, and that probabilities are some."""
    n_points = episode.place.n_points
    assert found.locations.shape == (n, 2)
    assert found.locations.dtype == np.float64
    assert np.isfinite(found.locations).all()
    if found.posterior is not None:
        assert found.posterior.shape == (n, n_points)
        assert found.posterior.dtype == np.float64
        assert (found.posterior >= 0).all()
        np.testing.assert_allclose(found.posterior.sum(axis=1), 1, rtol=0, atol=1e-6)


# -- the registry ----------------------------------------------------------------------


def test_methods_are_found_by_their_names():
    assert [method.name for method in METHODS.values()] == list(METHODS)
    assert len({method.title for method in METHODS.values()}) == len(METHODS)


def test_the_quick_registry_holds_the_same_methods():
    slow = methods()

    assert list(slow) == list(METHODS)
    for name, method in slow.items():
        assert (method.title, method.needs) == (
            METHODS[name].title,
            METHODS[name].needs,
        )


def test_torch_is_imported_only_by_those_who_need_it():
    code = (
        "import sys; from trainer.methods.registry import methods; methods();"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"


# -- results ---------------------------------------------------------------------------


@every_case
def test_fixes_are_sound(name, kind):
    episode = EPISODES[kind]

    assert_sound(fixes(name, kind), episode, len(episode.queries))


@every_case
def test_no_query_gives_no_fix(name, kind):
    nothing = EPISODES[kind].queries.signals.select(np.arange(0))

    assert_sound(locator(name, kind).locate(nothing), EPISODES[kind], 0)


@pytest.mark.parametrize(
    ("name", "kind"), [case for case in CASES if case.values[0] not in FLOORS]
)
def test_true_labels_beat_the_centre_of_the_map(name, kind):
    episode = EPISODES[kind]
    chance = mean_error(CENTRE, episode)

    found = locate(name, episode, made=METHODS)

    # What little training networks get here depends on chance, most of all with RSS.
    assert mean_error(found.locations, episode) < 0.7 * chance


@every_case
def test_permuted_labels_land_on_the_floor(name, kind):
    # A method that still finds its way has seen a label that it must not see.
    episode, chance = EPISODES[kind], mean_error(CENTRE, EPISODES[kind])
    scrambled = permute_labels(episode, np.random.default_rng(7))

    found = locate(name, scrambled, made=METHODS)

    assert mean_error(found.locations, episode) > 0.75 * chance


# -- chance ----------------------------------------------------------------------------


@every_case
def test_the_same_seed_gives_the_same_fixes(name, kind):
    again = locate(name, EPISODES[kind])

    assert_same(again, fixes(name, kind), atol=1e-9)


@pytest.mark.parametrize(
    ("name", "kind"), [c for c in CASES if not METHODS[c.values[0]].is_stochastic]
)
def test_where_there_is_no_chance_no_seed_matters(name, kind):
    other = locate(name, EPISODES[kind], seed=2)

    assert_same(other, fixes(name, kind), atol=1e-9)


@every_case
def test_fixes_do_not_depend_on_what_was_located_before(name, kind):
    signals = EPISODES[kind].queries.signals

    locator(name, kind).locate(signals.select(slice(5, 9)))

    assert_same(locator(name, kind).locate(signals), fixes(name, kind), atol=1e-9)


@every_case
def test_calibrations_do_not_disturb_one_another(name, kind):
    episode = EPISODES[kind]
    half = episode.shots.select(np.flatnonzero(episode.shots.point_of % 2 == 0))

    between = learnt(name, kind).calibrate(episode.place, half)
    between.locate(episode.queries.signals)
    again = learnt(name, kind).calibrate(episode.place, episode.shots)

    signals = episode.queries.signals
    assert_same(locator(name, kind).locate(signals), fixes(name, kind), atol=1e-9)
    assert_same(again.locate(signals), fixes(name, kind), atol=1e-9)


def arrays(episode):
    for e in (*episode.history, episode.shots, episode.queries):
        yield from (e.signals.rss, e.point_of, e.visit_of, e.is_test)
        yield from (e.place.locations, e.place.floors)
        if e.signals.images is not None:
            yield e.signals.images


@every_case
def test_nothing_that_is_handed_in_is_modified(name, kind):
    episode = EPISODES[kind]
    before = [array.copy() for array in arrays(episode)]

    locate(name, episode)

    for array, copy in zip(arrays(episode), before, strict=True):
        np.testing.assert_array_equal(array, copy)


# -- time ------------------------------------------------------------------------------


@every_case
def test_a_fix_does_not_depend_on_later_queries(name, kind):
    # The tolerance is a tenth of a millimetre, for 32-bit networks.
    check_causal(locator(name, kind), EPISODES[kind].queries.signals, tolerance=1e-4)


# -- the map ---------------------------------------------------------------------------


@every_case
def test_a_moved_map_moves_the_fixes(name, kind):
    episode = EPISODES[kind]
    by = np.array([-40.0, 25.0])
    moved = replace(episode.place, locations=episode.place.locations + by)

    found = locate(name, episode.with_place(moved))

    expected = fixes(name, kind)
    assert_same(found, replace(expected, locations=expected.locations + by), atol=1e-3)


@pytest.mark.parametrize(
    ("name", "kind"), [case for case in CASES if case.values[0] not in IN_METRES]
)
def test_a_larger_map_spreads_the_fixes(name, kind):
    episode = EPISODES[kind]
    larger = replace(episode.place, locations=episode.place.locations * 2)

    found = locate(name, episode.with_place(larger))

    expected = fixes(name, kind)
    assert_same(found, replace(expected, locations=2 * expected.locations), atol=1e-3)


@pytest.mark.parametrize(
    ("name", "kind"), [c for c in CASES if not METHODS[c.values[0]].is_stochastic]
)
def test_the_numbering_of_the_points_means_nothing(name, kind):
    episode = EPISODES[kind]
    order = np.random.default_rng(3).permutation(episode.place.n_points)
    number_of = np.argsort(order)
    renumbered = episode.with_place(episode.place.select(order)).map_environments(
        lambda e: replace(e, point_of=number_of[e.point_of])
    )

    found = locate(name, renumbered)

    expected = fixes(name, kind)
    posterior = None if expected.posterior is None else expected.posterior[:, order]
    assert_same(found, replace(expected, posterior=posterior))


# -- poor input ------------------------------------------------------------------------


def deaf(signals, rows=slice(None), channels=slice(None)):
    """The signals without what some rows heard in some channels."""
    rss = signals.rss.copy()
    rss[rows, channels] = np.nan
    if signals.images is None:
        return Signals(rss)
    images = signals.images.copy()
    images[rows, ..., channels] = 0
    return Signals(rss, images)


@every_case
def test_a_channel_that_was_never_heard_does_no_harm(name, kind):
    episode = EPISODES[kind].with_signals(lambda s, _: deaf(s, channels=1))

    assert_sound(locate(name, episode), episode, len(episode.queries))


@every_case
def test_a_channel_may_fall_silent_or_be_new(name, kind):
    episode = EPISODES[kind]
    n_days = len(episode.history)

    def renovated(signals, day):
        return deaf(signals, channels=0 if day == f"d{n_days}" else 2)

    episode = episode.with_signals(renovated)

    assert_sound(locate(name, episode), episode, len(episode.queries))


@every_case
def test_a_query_that_hears_nothing_gets_a_fix_on_the_map(name, kind):
    episode = EPISODES[kind]
    signals = deaf(episode.queries.signals, rows=[0, 4, 5])

    found = locator(name, kind).locate(signals)

    assert_sound(found, episode, len(signals))
    low, high = episode.place.locations.min(axis=0), episode.place.locations.max(axis=0)
    assert (found.locations[[0, 4, 5]] >= low - 1e-6).all()
    assert (found.locations[[0, 4, 5]] <= high + 1e-6).all()


@every_case
def test_shots_that_hear_nothing_do_no_harm(name, kind):
    episode = EPISODES[kind]
    rows = [1, 2, 4, 7, 12]
    silent = replace(episode.shots, signals=deaf(episode.shots.signals, rows=rows))
    fewer = episode.shots.select(np.delete(np.arange(len(episode.shots)), rows))

    found = locate(name, replace(episode, shots=silent))

    assert_sound(found, episode, len(episode.queries))
    without = locate(name, replace(episode, shots=fewer))
    assert mean_error(found.locations, episode) == pytest.approx(
        mean_error(without.locations, episode), rel=0.1
    )


@every_case
def test_points_may_have_one_shot_or_none(name, kind):
    episode = EPISODES[kind]
    rows = np.r_[0, 3, np.flatnonzero(episode.shots.point_of == 6)]
    few = replace(episode, shots=episode.shots.select(rows))

    assert_sound(locate(name, few), few, len(few.queries))


@every_case
def test_a_single_shot_is_enough_to_go_on(name, kind):
    episode = EPISODES[kind]
    one = replace(episode, shots=episode.shots.select(np.array([4])))

    assert_sound(locate(name, one), one, len(one.queries))


def assert_finds_its_way(name, episode, history):
    """Locate with another past, better than by chance."""
    known = replace(episode, history=tuple(history))
    found = locate(name, known, made=METHODS)

    assert_sound(found, episode, len(episode.queries))
    if name not in FLOORS:
        chance = mean_error(CENTRE, episode)
        assert mean_error(found.locations, episode) < 0.8 * chance


@every_zero_shot_case
def test_who_needs_no_shots_locates_without(name, kind):
    episode = EPISODES[kind].without_shots()

    assert_finds_its_way(name, episode, episode.history)


@every_case_without_history
def test_who_needs_no_history_locates_without(name, kind):
    episode = EPISODES[kind].without_history()

    assert_finds_its_way(name, episode, episode.history)


@pytest.mark.parametrize(
    ("name", "kind"), cases(lambda e: e.without_history().without_shots())
)
def test_who_needs_neither_answers_all_the_same(name, kind):
    episode = EPISODES[kind].without_history().without_shots()

    assert_sound(locate(name, episode), episode, len(episode.queries))


def elsewhere(environment):
    """Another place, with a channel less, and its points the other way round."""
    signals, hall = environment.signals, environment.place
    images = None if signals.images is None else signals.images[..., :-1]
    other = replace(
        hall.select(np.arange(hall.n_points)[::-1]),
        name="elsewhere",
        channels=hall.channels[:-1],
    )
    return replace(
        environment,
        name=f"elsewhere {environment.name}",
        place=other,
        signals=Signals(signals.rss[:, :-1], images),
    )


@every_case
def test_the_past_of_other_places_does_no_harm(name, kind):
    history = EPISODES[kind].history

    mixed = [*map(elsewhere, history), *history]

    assert_finds_its_way(name, EPISODES[kind], mixed)


@every_zero_shot_case
def test_the_past_of_other_places_is_no_map(name, kind):
    history = EPISODES[kind].history

    mixed = [*map(elsewhere, history), *history]

    assert_finds_its_way(name, EPISODES[kind].without_shots(), mixed)


@every_case_without_history
def test_the_past_of_other_places_alone_is_as_good_as_none(name, kind):
    history = EPISODES[kind].history

    assert_finds_its_way(name, EPISODES[kind], map(elsewhere, history))


def test_every_need_is_met_by_an_episode():
    together = Needs.NOTHING
    for episode in EPISODES.values():
        together |= episode.offers

    assert all(method.needs in together for method in METHODS.values())
