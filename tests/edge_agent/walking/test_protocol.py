"""docs/calibration_protocol.md shows every line in and out as it is."""

import json
import re
from typing import get_args

import pytest

from edge_agent.errors import UsageError
from edge_agent.survey import Point
from edge_agent.walking import stored_walk
from edge_agent.walking.commands import MAX_LINE, Command, Verb, parse_command
from edge_agent.walking.events import Event
from edge_agent.walking.verdict import Reason
from tests.conftest import ROOT
from tests.edge_agent.walking.walkers import Person

PAGE = (ROOT / "docs" / "calibration_protocol.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\| `(\{.*?\})` \|", PAGE, re.MULTILINE)
EVENTS = [
    json.loads(line)
    for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


def shape(value):
    """What is where, without the values; numbers of either kind are numbers."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


@pytest.fixture
def happened(tmp_path, monkeypatch):
    """One event of every kind, as a walk said it."""
    person = Person(tmp_path)
    events = [*person.first, *person.shoot(), *person.do("keep"), *person.do("status")]
    events += person.do("skip")

    def full(*_arguments):
        raise OSError(28, "full")

    with monkeypatch.context() as patch:
        patch.setattr(stored_walk, "write_atomically", full)
        events += person.do("finish")
    events += person.do("finish")
    return {event.kind: event.to_json() for event in events if event.kind != "asking"}


def test_every_command_is_shown_and_is_one():
    parsed = [parse_command(line) for line in COMMANDS]

    assert {command.verb for command in parsed} == set(Verb)
    for line, command in zip(COMMANDS, parsed, strict=True):
        assert command.to_json() == json.loads(line)


def test_every_event_is_shown_as_a_walk_says_it(happened, tmp_path):
    assert {event["event"] for event in EVENTS} == {e.kind for e in get_args(Event)}
    happened["asking"] = Person(tmp_path / "other").first[-1].to_json()
    for shown in EVENTS:
        real = happened[shown["event"]]
        assert list(shown) == list(real)
        for name, member in shown.items():
            if member and real[name]:
                assert shape(member) == shape(real[name]), (shown["event"], name)


def test_every_reason_is_in_the_table():
    first, *rows = re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)

    assert first == "reason"
    assert set(rows) == set(Reason)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "no JSON"),
        ("[]", "not an object"),
        ("[" * 5000, "no JSON"),
        ("9" * 5000, "no JSON"),
        ('{"command": "fly"}', "'fly', not one of go"),
        ('{"command": 3}', "not text"),
        ('{"point": "kitchen"}', "command is missing"),
        ('{"command": "shoot", "point": "kitchen"}', "takes no point"),
        ('{"command": "go", "place": "kitchen"}', "place is unknown"),
        ('{"command": "go", "point": "a\\u0007"}', "control characters"),
        ('{"command": "add_point"}', "point is missing"),
        ('{"command": "add_point", "point": {"x": 1, "y": 2}}', "name is missing"),
        ('{"command": "add_point", "point": {"name": "a"}}', "neither coordinates"),
        ('{"command": "add_point", "point": {"name": "a", "x": 1}}', "finite"),
        (
            '{"command": "add_point", "point": {"name": "a", "x": NaN, "y": 1}}',
            "point.x is nan",
        ),
        (
            '{"command": "add_point", "point": {"room": "a", "floor": 1.5}}',
            "whole number",
        ),
        ('{"command": "' + "x" * MAX_LINE + '"}', "characters, more than"),
    ],
)
def test_a_line_that_is_no_command_says_what_is_wrong(line, reason):
    with pytest.raises(UsageError, match=re.escape(reason)):
        parse_command(line)


def test_a_point_may_be_a_room_alone():
    command = parse_command('{"command": "add_point", "point": {"room": "attic"}}')

    assert command.point == Point("attic", None, None, "attic")


def test_commands_are_made_with_what_belongs_to_them():
    with pytest.raises(ValueError, match="add_point alone"):
        Command(Verb.GO, point=Point("a", 0.0, 0.0))
    with pytest.raises(ValueError, match="add_point alone"):
        Command(Verb.ADD_POINT)
    with pytest.raises(ValueError, match="go and forget alone"):
        Command(Verb.SHOOT, name="kitchen")
