"""A label comes back as it was; whatever else a file holds is refused, not believed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.walking.json_fields import FieldError
from edge_agent.walking.label import MAX_BYTES, ShotLabel
from edge_agent.walking.plan import Stop
from edge_agent.walking.reading import Reading
from edge_agent.walking.verdict import Grade, Reason, Verdict
from tests.edge_agent.walking.walkers import KITCHEN, MACS

LABEL = ShotLabel(
    12,
    Stop(KITCHEN, 2, 3),
    Verdict(Grade.WEAK, Reason.MOVED, "something moved", "retry"),
    0.47,
    1_795_428_900_123_456_789,
    100,
    12_345,
    (
        Reading(MACS[0], 50, 10.1, 0.02, 0.3, True, -51.5, (1.25, 0.75)),
        Reading(MACS[1], 0, 0.0, 5.0, 5.0, False, None, ()),
    ),
)
MEMBERS = json.loads(LABEL.to_bytes())
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def test_a_label_comes_back_as_it_was():
    assert ShotLabel.from_bytes(LABEL.to_bytes()) == LABEL


def test_the_same_label_gives_the_same_bytes_in_one_line():
    assert LABEL.to_bytes() == LABEL.to_bytes()
    assert LABEL.to_bytes().count(b"\n") == 1


def test_the_longest_label_can_be_read():
    shape = tuple(round(1.0 + n / 10_000, 4) for n in range(242))
    readings = tuple(
        Reading(f"00:00:00:00:00:{n:02x}", 10**6, 1e4, 1e3, 1e3, True, -100.5, shape)
        for n in range(64)
    )
    label = ShotLabel(
        999_999, LABEL.stop, LABEL.verdict, 1.0, 1 << 62, 1 << 62, 1 << 62, readings
    )

    assert len(label.to_bytes()) < MAX_BYTES
    assert ShotLabel.from_bytes(label.to_bytes()) == label


@given(name=st.sampled_from(sorted(MEMBERS)), value=ANYTHING)
@settings(max_examples=150, deadline=None)
def test_a_member_of_another_kind_is_refused_or_means_what_it_says(name, value):
    data = json.dumps(MEMBERS | {name: value}).encode()
    try:
        label = ShotLabel.from_bytes(data)
    except FieldError:
        return
    assert ShotLabel.from_bytes(label.to_bytes()) == label


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_bytes_that_are_no_label_are_refused(data):
    with pytest.raises(FieldError):
        ShotLabel.from_bytes(data)


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_no_member_may_be_missing_but_steadiness(name):
    members = {key: value for key, value in MEMBERS.items() if key != name}
    data = json.dumps(members).encode()

    if name == "steadiness":
        assert ShotLabel.from_bytes(data).steadiness is None
        return
    with pytest.raises(FieldError, match=name):
        ShotLabel.from_bytes(data)
