"""Which parameters a site starts from: images around spectra that are known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.bundles.parameter_sets import (
    MAX_SETS,
    NO_CHOICE,
    TOTAL,
    ParameterSet,
    ParameterSets,
    Reason,
    SetChoice,
    check_sets,
)
from edge_agent.task_similarity.choice import Choice
from edge_agent.task_similarity.history import TaskHistory
from tests.edge_agent.known_places import SLOPES, STRANGE, shots_at, tasks_at
from tests.edge_agent.sites import channel


def parameter_sets(names=tuple(SLOPES), *, has_level=True):
    return ParameterSets(
        tuple(ParameterSet(name, f"theta.{n}.npz") for n, name in enumerate(names)),
        TaskHistory(tuple(tasks_at(7, SLOPES[name]) for name in names), has_level),
    )


# -- the choice ------------------------------------------------------------------------


@pytest.mark.parametrize("name", SLOPES)
def test_a_site_starts_from_the_set_of_a_place_like_it(name):
    found = parameter_sets().choose(shots_at(1, SLOPES[name]))

    assert (found.name, found.reason) == (name, Reason.SIMILAR)
    assert found.choice is not None
    assert found.choice.squared_mmd.keys() == SLOPES.keys()
    assert str(found).startswith(f"from the parameters of {name} (MMD² ")


def test_a_site_like_none_starts_from_the_parameters_of_all():
    found = parameter_sets().choose(shots_at(1, STRANGE))

    assert (found.name, found.reason) == (TOTAL, Reason.NONE_SIMILAR)
    assert str(found).startswith(
        "from the parameters of all: no similar environment; nearest is lab (MMD² "
    )


def test_a_single_vector_is_too_little_to_compare():
    one = shots_at(1, 0, n_per_point=1)
    heard = np.zeros_like(one.heard)
    heard[0, 0] = True

    found = parameter_sets().choose(replace(one, heard=heard))

    assert found == SetChoice(TOTAL, Reason.TOO_FEW)
    assert str(found) == "from the parameters of all, too few shots to compare"


def test_sets_without_tasks_are_too_little_to_compare():
    sets = ParameterSets(
        (ParameterSet("hall", "theta.0.npz"),), TaskHistory(((),), has_level=True)
    )

    assert sets.choose(shots_at(1, 0)).reason is Reason.TOO_FEW


@settings(max_examples=12, deadline=None)
@given(st.permutations(list(SLOPES)))
def test_the_order_of_the_sets_is_irrelevant(names):
    site = shots_at(1, SLOPES["lab"])

    assert parameter_sets(tuple(names)).choose(site) == parameter_sets().choose(site)


def test_the_same_shots_choose_the_same_with_the_same_numbers():
    assert parameter_sets().choose(shots_at(1, 4)) == parameter_sets().choose(
        shots_at(1, 4)
    )


def test_of_two_sets_that_are_alike_either_is_right_in_any_order():
    hall = tasks_at(7, 0)
    names = ("one", "two")
    found = set()
    for order in (names, names[::-1]):
        sets = tuple(ParameterSet(n, f"theta.{i}.npz") for i, n in enumerate(order))
        found.add(
            ParameterSets(sets, TaskHistory((hall, hall), has_level=True))
            .choose(shots_at(1, 0))
            .name
        )

    assert len(found) == 1
    assert found <= set(names)


def test_more_of_the_same_site_does_not_change_the_choice():
    once = shots_at(1, 5)
    rows = np.tile(np.arange(len(once)), 2)

    assert parameter_sets().choose(once.select(rows)).name == "lab"


NO_RSSI = tuple(
    channel(bytes([2, 0, 0, 0, 0, number]), has_rssi=False) for number in range(2)
)


def test_a_level_that_nobody_measured_is_not_compared():
    """Without RSSI every level is nominal, far from those of history."""
    louder = shots_at(1, 0, level=80)

    assert parameter_sets().choose(louder).name == TOTAL
    assert parameter_sets().choose(replace(louder, channels=NO_RSSI)).name == "hall"
    assert parameter_sets(has_level=False).choose(louder).name == "hall"


# -- sets of a manifest ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "file", "error", "reason"),
    [
        ("", "theta.0.npz", ValueError, "called ''"),
        ("x" * 101, "theta.0.npz", ValueError, "not by 1 to 100 printable"),
        ("a\nb", "theta.0.npz", ValueError, "printable"),
        (TOTAL, "theta.0.npz", ValueError, "'total', which is that of all"),
        ("hall", "theta.npz", ValueError, "'theta.npz', which is no theta.NUMBER.npz"),
        ("hall", "../theta.0.npz", ValueError, "no theta.NUMBER.npz"),
        ("hall", "theta.0.npz\n", ValueError, "no theta.NUMBER.npz"),
        ("hall", "theta.1234.npz", ValueError, "no theta.NUMBER.npz"),
        (3, "theta.0.npz", TypeError, "is 3, not text"),
        ("hall", None, TypeError, "is None, not text"),
    ],
)
def test_a_set_that_makes_no_sense_is_refused(name, file, error, reason):
    with pytest.raises(error, match=reason):
        ParameterSet(name, file)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (
            ParameterSet("hall", "theta.1.npz"),
            "two parameter sets have the name 'hall'",
        ),
        (ParameterSet("lab", "theta.0.npz"), "have the file 'theta.0.npz'"),
    ],
)
def test_two_sets_that_share_something_are_refused(second, reason):
    with pytest.raises(ValueError, match=reason):
        check_sets((ParameterSet("hall", "theta.0.npz"), second))


def test_very_many_sets_are_refused():
    many = tuple(
        ParameterSet(f"room{n}", f"theta.{n}.npz") for n in range(MAX_SETS + 1)
    )

    assert check_sets(many[:-1]) == many[:-1]
    with pytest.raises(ValueError, match="101 parameter sets, more than 100"):
        check_sets(many)


# -- as JSON ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "made",
    [
        NO_CHOICE,
        SetChoice("hall", Reason.ASKED),
        SetChoice(TOTAL, Reason.TOO_FEW),
        SetChoice("lab", Reason.SIMILAR, Choice("lab", "lab", {"lab": -0.1}, 0.2, 1.0)),
        SetChoice(
            TOTAL,
            Reason.NONE_SIMILAR,
            Choice(None, "lab", {"hall": 0.9, "lab": 0.5}, 0.01, 0.005),
        ),
    ],
)
def test_a_choice_comes_back_as_it_was(made):
    assert SetChoice.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_what_was_asked_for_is_said_to_be():
    assert str(SetChoice("lab", Reason.ASKED)) == (
        "from the parameters of lab, as asked for"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"reason": "because"}, "because"),
        ({"nearest": "attic"}, "nearest is 'attic', which was not compared"),
        ({"within": "much"}, "'much' is not a number"),
        ({"within": True}, "True is not a number"),
        ({"p_value": float("nan")}, "nan is not finite"),
        ({"squared_mmd": {"lab": None}}, "None is not a number"),
        ({"squared_mmd": 3}, "not iterable"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(change, reason):
    good = SetChoice(
        "lab", Reason.SIMILAR, Choice("lab", "lab", {"lab": 0.1}, 0.2, 1.0)
    ).to_json()

    with pytest.raises((TypeError, ValueError), match=reason):
        SetChoice.from_json(good | change)
