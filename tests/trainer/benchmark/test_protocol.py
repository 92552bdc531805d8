"""Protocols: what a file may say, and what its lists select."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.trainer.benchmark.synthetic import environment, hall, rows_of, survey
from trainer.benchmark.errors import ProtocolError
from trainer.benchmark.protocol import (
    Protocol,
    load_protocol,
    read_protocol,
    shipped_names,
    shipped_protocol,
    shipped_text,
)

DAYS = survey(6)


def names(environments):
    return [e.name for e in environments]


def days_and_places():
    """Two days of two places each; days have the same orders."""
    return [
        environment(
            hall(name=place), rows_of(range(12), [0]), name=f"{key}-{day}", order=day
        )
        for place, key in (("site/west", "w"), ("site/east", "e"))
        for day in (1, 2)
    ]


def select(entries, environments=DAYS):
    entries = [entries] if isinstance(entries, str) else entries
    protocol = Protocol("days", test=tuple(entries))
    return names(protocol.select("test", environments))


# -- what a list selects ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "selected"),
    [
        ("d3", ["d3"]),
        ("3", ["d3"]),
        ("1-3", ["d1", "d2", "d3"]),
        ("4-99", ["d4", "d5"]),
        ("d1..d3", ["d1", "d2", "d3"]),
        ("d[14]", ["d1", "d4"]),
        ("*", names(DAYS)),
        ("hall", names(DAYS)),
        ("hall/2", ["d2"]),
        ("h*/0-1", ["d0", "d1"]),
    ],
)
def test_an_entry_selects_by_name_order_range_glob_or_place(entry, selected):
    assert select(entry) == selected


def test_entries_add_up_in_the_order_of_the_survey():
    assert select(["d4", "0-1", "d1"]) == ["d0", "d1", "d4"]


@pytest.mark.parametrize(
    ("entry", "selected"),
    [
        ("1", ["w-1", "e-1"]),
        ("site/west", ["w-1", "w-2"]),
        ("site/west/2", ["w-2"]),
        ("*/east/*", ["e-1", "e-2"]),
        ("e-1..e-2", ["e-1", "e-2"]),
        ("*-2", ["w-2", "e-2"]),
    ],
)
def test_places_with_a_slash_in_their_names_can_be_told(entry, selected):
    assert select(entry, days_and_places()) == selected


def test_a_name_that_looks_like_a_range_of_orders_is_a_name():
    days = [replace(DAYS[0], name="2019-02"), replace(DAYS[1], name="2019-03")]

    assert select("2019-02", days) == ["2019-02"]


def test_an_entry_that_selects_nothing_is_an_error_that_names_what_there_is():
    with pytest.raises(ProtocolError, match=r"'day3' is no .* d0 \(0\), d1 \(1\)"):
        select("day3")
    with pytest.raises(ProtocolError, match="did you mean 'd3'"):
        select("d33")
    with pytest.raises(ProtocolError, match=r"d0 \(0\), .*, \.\. d11 \(11\)"):
        select("7-5", survey(12))


def test_a_range_that_is_backwards_is_told_so():
    with pytest.raises(ProtocolError, match=r"backwards: d3 is later .* \"d1\.\.d3\""):
        select("d3..d1")


def test_what_is_excluded_is_in_no_role():
    protocol = Protocol("days", test=("4-5",), history=("0-3",), exclude=("d2", "d5"))
    left = protocol.without_excluded(DAYS)

    assert names(protocol.targets(left, "test")) == ["d4"]
    assert names(protocol.history_of(left[-1], left, "test")) == ["d0", "d1", "d3"]


def test_an_environment_has_one_role():
    protocol = Protocol("days", history=("0-3",), test=("3-5",))

    with pytest.raises(ProtocolError, match="d3 is history and test"):
        protocol.targets(DAYS, "test")


def test_a_role_without_environments_cannot_be_evaluated():
    with pytest.raises(ProtocolError, match="has no validation"):
        Protocol("days", test=("d5",)).targets(DAYS, "validation")


# -- history ---------------------------------------------------------------------------


def history(target, role="test", environments=DAYS, **options):
    roles = {"history": ("0-1",), "validation": ("2-3",), "test": ("4-5",)}
    protocol = Protocol("days", **roles | options)
    (found,) = [e for e in environments if e.name == target]
    return names(protocol.history_of(found, environments, role))


def test_history_of_a_test_day_is_history_and_validation():
    assert history("d5") == ["d0", "d1", "d2", "d3"]


def test_history_of_a_validation_day_is_history_alone():
    assert history("d3", "validation") == ["d0", "d1"]


def test_rolling_history_has_earlier_targets_and_never_later_ones():
    assert history("d5", rolling=True) == ["d0", "d1", "d2", "d3", "d4"]
    assert history("d4", rolling=True) == ["d0", "d1", "d2", "d3"]
    assert history("d3", "validation", rolling=True) == ["d0", "d1", "d2"]
    assert history("d2", "validation", rolling=True) == ["d0", "d1"]


def test_only_the_latest_are_history_where_the_protocol_says_so():
    assert history("d5", rolling=True, last=2) == ["d3", "d4"]


def test_a_listed_environment_that_is_later_is_not_history():
    roles = {"history": ("0", "5"), "validation": ("3",), "test": ("4",)}

    assert history("d4", **roles) == ["d0", "d3"]


def test_history_is_sorted_by_order_whatever_the_survey_s_order():
    assert history("d4", environments=DAYS[::-1]) == ["d0", "d1", "d2", "d3"]


def test_equal_orders_are_history_only_where_ties_are_allowed():
    same = [replace(day, order=0) for day in DAYS]
    roles = {
        "history": ("d0", "d1"),
        "validation": ("d2", "d3"),
        "test": ("d4", "d5"),
    }

    assert history("d5", environments=same, **roles) == []
    assert history("d5", environments=same, ties=True, **roles) == [
        "d0",
        "d1",
        "d2",
        "d3",
    ]


def test_a_target_is_not_its_own_history():
    same = [replace(day, order=0) for day in DAYS]
    roles = {"history": ("d0",), "validation": (), "test": ("d4", "d5")}

    found = history("d5", environments=same, ties=True, rolling=True, **roles)

    assert found == ["d0", "d4"]


def test_later_targets_of_other_places_are_not_history():
    places = days_and_places()
    roles = {"history": (), "validation": (), "test": ("1", "2")}
    common = {"environments": places, "other_places": True, "rolling": True, **roles}

    assert history("w-1", **common) == []
    assert history("w-2", **common) == ["e-1", "w-1"]


def test_other_places_are_history_where_the_protocol_says_so():
    places = days_and_places()
    roles = {"history": ("1",), "validation": (), "test": ("2",)}

    assert history("w-2", environments=places, **roles) == ["w-1"]
    assert history("w-2", environments=places, other_places=True, **roles) == [
        "e-1",
        "w-1",
    ]


# -- files -----------------------------------------------------------------------------


def test_a_file_is_read_with_its_defaults():
    text = 'survey = "days"\nhistory = "0-2"\ntest = ["d4", 5]\n'

    assert read_protocol(text, "x") == Protocol(
        "days", history=("0-2",), test=("d4", "5")
    )


def test_every_key_can_be_given():
    text = """
    survey = "days"
    test = ["d5"]
    validation = ["d4"]
    history = ["d0..d3"]
    exclude = ["d2"]
    rolling = true
    last = 3
    ties = true
    other_places = true
    calibrate = "checkerboard"
    query = "others"
    calibration_visits = [1, 2]
    query_visits = "last"
    images_per_point = "all"
    """

    assert read_protocol(text, "x") == Protocol(
        "days",
        test=("d5",),
        validation=("d4",),
        history=("d0..d3",),
        exclude=("d2",),
        rolling=True,
        last=3,
        ties=True,
        other_places=True,
        calibrate="checkerboard",
        query="others",
        calibration_visits=(1, 2),
        query_visits="last",
        images_per_point=None,
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("survey =", "x is no TOML"),
        ('test = ["d1"]', "no survey"),
        ('histroy = ["d1"]', "unknown key 'histroy', did you mean 'history'"),
        ("test = [1.5]", "test holds 1.5"),
        ("test = [true]", "test holds True"),
        ("survey = 3", "survey is 3; expected text"),
        ("rolling = 1", "rolling is 1; expected true or false"),
        ("last = true", "last is True; expected a number"),
        ("last = 0", "last is 0, not 1 or more"),
        ("images_per_point = 0", "images_per_point is 0"),
        ('images_per_point = "many"', "images_per_point is 'many'"),
        ('calibrate = "chekerboard"', "did you mean 'checkerboard'"),
        ('query = "rest"', "query is 'rest'.*'test'"),
        ('query = "others"', "need each other"),
        ('calibrate = "checkerboard"', "need each other"),
        ('calibration_visits = "frist"', "did you mean 'first'"),
        ('calibration_visits = "all"', "leaves no visit"),
        ("calibration_visits = []", r"is \[\]; expected different numbers"),
        ("query_visits = [2, 2]", "expected different numbers"),
        ("query_visits = [0]", "expected different numbers"),
        ('query_visits = ["2"]', "query_visits is '2'; expected numbers of visits"),
        ("query_visits = 2", "query_visits is 2; expected text"),
    ],
)
def test_a_file_that_means_nothing_is_refused_with_what_is_wrong(text, found):
    if not text.startswith(("survey", 'test = ["d1')):
        text = f'survey = "days"\n{text}'
    with pytest.raises(ProtocolError, match=found):
        read_protocol(text, "x")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ProtocolError, match=r"cannot read .*gone\.toml: No such file"):
        load_protocol(tmp_path / "gone.toml")

    (tmp_path / "latin.toml").write_bytes(b'survey = "\xe9"')
    with pytest.raises(ProtocolError, match=r"latin\.toml is not UTF-8"):
        load_protocol(tmp_path / "latin.toml")


def test_the_digest_changes_with_a_setting_and_not_with_a_comment():
    plain = read_protocol('survey = "days"', "x")

    assert read_protocol('# why\nsurvey = "days"', "y").digest == plain.digest
    assert read_protocol('survey = "days"\nlast = 2', "x").digest != plain.digest


# -- shipped ---------------------------------------------------------------------------


def test_nine_recorded_and_two_simulated_surveys_have_a_protocol():
    recorded = [
        "polyu", "crisloc", "csu", "mtloc", "umdsi", "uji", "ncepu", "csuhet", "sod"
    ]  # fmt: skip

    assert shipped_names() == sorted([*recorded, "simhall", "simlab"])


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_protocol_is_read_and_is_for_the_survey_of_its_name(name):
    assert shipped_protocol(name).survey == name


def test_an_unknown_protocol_is_refused_with_the_nearest():
    with pytest.raises(ProtocolError, match="no protocol 'poly', did you mean 'polyu'"):
        shipped_text("poly")


def test_shipped_protocols_are_installed():
    pyproject = Path(__file__).resolve().parents[3] / "pyproject.toml"

    assert '"benchmark/protocols/*.toml"' in pyproject.read_text(encoding="utf-8")
