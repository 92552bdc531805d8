"""Keys and words between two shots, by what can be asked for."""

import pytest

from edge_agent.errors import ConfigError, UsageError
from edge_agent.guide.terminal_words import all_answers, answers, command_of
from edge_agent.survey import Point
from edge_agent.walking.commands import Command, Verb

COMMON = (Verb.STATUS, Verb.QUIT)
ASKING = (Verb.SHOOT, Verb.SKIP, Verb.GO, Verb.ADD_POINT, Verb.FINISH, *COMMON)
LAST = (Verb.RETRY, Verb.GO, Verb.ADD_POINT, Verb.FINISH, *COMMON)
WEAK = (Verb.RETRY, Verb.SKIP, Verb.KEEP, Verb.FINISH, *COMMON)
POINTS = ("kitchen", "s")


def meaning(line, can=ASKING, points=POINTS, *, is_typed=False):
    return command_of(line, can, points, is_typed=is_typed)


@pytest.mark.parametrize(
    ("can", "verb"),
    [(ASKING, Verb.SHOOT), (LAST, Verb.FINISH), (WEAK, Verb.RETRY)],
)
def test_enter_is_what_is_most_likely_meant(can, verb):
    assert meaning(" ", can) == Command(verb)


@pytest.mark.parametrize("can", [LAST, COMMON])
def test_enter_ends_no_walk_that_has_not_begun(can):
    with pytest.raises(UsageError, match="type where you are:  kitchen  or"):
        meaning("", can, (), is_typed=True)


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        ("r", Verb.RETRY),
        ("K", Verb.KEEP),
        ("skip", Verb.SKIP),
        ("q", Verb.QUIT),
        ("exit", Verb.QUIT),
        ("f", Verb.FINISH),
        ("o", Verb.OUTSIDE),
        ("outside", Verb.OUTSIDE),
        ("?", Verb.STATUS),
        ("help", Verb.STATUS),
        ("list", Verb.STATUS),
        ("done", Verb.FINISH),
        ("forget", Verb.FORGET),
    ],
)
@pytest.mark.parametrize("is_typed", [False, True])
def test_keys_and_words(line, verb, is_typed):
    assert meaning(line, is_typed=is_typed) == Command(verb)


def test_a_name_is_a_place_to_go_to_even_if_it_is_a_key():
    assert meaning("kitchen") == Command(Verb.GO, name="kitchen")
    assert meaning("s") == Command(Verb.GO, name="s")


def test_enter_does_not_choose_where_to_go_while_rooms_are_typed():
    typed = (Verb.GO, Verb.ADD_POINT, Verb.DONE, Verb.FINISH, *COMMON)

    with pytest.raises(UsageError, match=r"type where you are.*; or done, when that"):
        meaning("", typed, is_typed=True)
    assert answers(typed) == "done [q]uit [?]"
    assert meaning("Done", typed, is_typed=True) == Command(Verb.DONE)
    assert meaning("", (Verb.SHOOT, *typed), is_typed=True) == Command(Verb.SHOOT)


def test_a_wrong_shot_is_forgotten_by_its_place():
    assert meaning("forget living room") == Command(Verb.FORGET, name="living room")


@pytest.mark.parametrize("word", ["undo", "label", "Yes", "x 1.2"])
def test_what_is_no_room_becomes_none(word):
    with pytest.raises(ConfigError, match="type"):
        meaning(word, is_typed=True)


def test_a_new_point_stands_behind_a_plus():
    point = Point("attic", 3.0, 1.0, "attic")

    assert meaning("+ attic 3 1") == Command(Verb.ADD_POINT, point=point)
    assert meaning("attic 3 1", is_typed=True) == Command(Verb.ADD_POINT, point=point)


def test_a_slip_of_the_finger_adds_no_point():
    with pytest.raises(
        UsageError, match=r"'x' is no point of this walk.*\[s\]kip, \[f"
    ):
        meaning("x")


def test_a_point_that_is_none_says_what_one_is():
    with pytest.raises(ConfigError, match="is no point; type"):
        meaning("+ a, b, c")


def test_the_keys_that_do_something_are_shown():
    assert answers(WEAK) == "[Enter] retry [k]eep [s]kip [q]uit [?]"
    assert answers(ASKING) == "[Enter] shoot [s]kip [q]uit [?]"
    assert answers(LAST) == "[Enter] finish [q]uit [?]"
    assert answers(()) == ""
    assert all_answers(WEAK) == "[r]etry, [k]eep, [s]kip, [f]inish, [q]uit"
