"""Records of another version of the agent."""

from dataclasses import asdict, dataclass, field

import pytest

from edge_agent.stored_record import StoredRecordError, check_keys, check_record


@dataclass
class Inner:
    depth: float


@dataclass
class Outer:
    name: str
    inner: Inner
    note: str = ""
    tags: tuple[str, ...] = field(default_factory=tuple)


WHOLE = asdict(Outer("a", Inner(1.0)))


@pytest.mark.parametrize(
    "facts", [WHOLE, {"name": "a", "inner": {"depth": 1.0}}, WHOLE | {"note": "b"}]
)
def test_what_was_written_by_this_agent_or_one_before_is_taken(facts):
    check_record(facts, Outer, "it")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (WHOLE | {"luck": 1}, "^it has 'luck', .* newer agent"),
        (WHOLE | {"inner": {"depth": 1.0, "luck": 1}}, "^inner of it has 'luck'"),
        ({"name": "a"}, "^it lacks 'inner'"),
        (WHOLE | {"inner": {}}, "^inner of it lacks 'depth'"),
        (WHOLE | {"inner": 3}, "^inner of it is 3, not a record"),
        ([], r"^it is \[\], not a record"),
    ],
)
def test_what_another_version_wrote_is_refused_in_plain_words(facts, reason):
    with pytest.raises(StoredRecordError, match=reason):
        check_record(facts, Outer, "it")


def test_keys_may_be_optional():
    check_keys({"a": 1}, "it", needed=("a",), optional=("b",))
    check_keys({"a": 1, "b": 2}, "it", needed=("a",), optional=("b",))
    with pytest.raises(StoredRecordError, match="it has 'c'"):
        check_keys({"a": 1, "c": 2}, "it", needed=("a",), optional=("b",))
