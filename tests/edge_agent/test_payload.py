"""Topics and documents, against the schemas that other people read."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.estimate import Estimate, Position
from edge_agent.payload import (
    EVENT_SCHEMA,
    LOCATION_SCHEMA,
    STATUS_SCHEMA,
    FixContext,
    LocationPayloads,
    Source,
    State,
    Topics,
    calibration_time_ns,
    iso_time,
    make_ulid,
    status_document,
    to_json,
)
from edge_agent.tracking.rooms import (
    OUTSIDE,
    UNKNOWN,
    EventKind,
    Presence,
    RoomEvent,
    Whereabouts,
)
from edge_agent.tracking.tracker import Tracked
from tests.conftest import ROOT

ESTIMATE = Estimate(
    time_ns=1_795_391_940_123_999_999,  # 2026-11-22T23:59:00.123999999Z
    position=Position(1.23449, -0.5, (0.41116, -0.02, 0.37), 1.10049, 1.9),
    floor=1,
    rooms=(("kitchen", 0.82996), ("office", 0.17004)),
    posterior=(0.5, 0.32996, 0.17004),
    n_frames=150,
    window_s=2.4504,
    n_heard=2,
    n_channels=3,
)
CONTEXT = FixContext("pi", "rooms-1+cal.20261122T235900Z")
NOW_NS = 1_795_391_941_000_000_000
TRACKED = Tracked(
    estimate=replace(
        ESTIMATE,
        position=Position(2.0, 1.0, (0.5, 0.0, 0.5), 1.2, 2.5),
        rooms=(("office", 0.55), ("kitchen", 0.45)),
    ),
    raw=ESTIMATE,
    whereabouts=Whereabouts(Presence.INSIDE, "kitchen"),
    since_ns=ESTIMATE.time_ns - 5_000_000_000,
    moving=True,
    speed_m_s=0.8499,
    events=(),
)
EVENT = RoomEvent(
    EventKind.ENTER, "kitchen", NOW_NS, NOW_NS - 1_500_000_000, 1.5, 0.91236
)


def payloads(*, now_ns=NOW_NS, randomness=0):
    return LocationPayloads(
        CONTEXT, now_ns=lambda: now_ns, randomness=lambda: randomness
    )


def document(
    estimate=ESTIMATE, source=Source.LIVE, *, tracked=None, drift=None, **clock
):
    maker = payloads(**clock)
    return maker.document(estimate, source, tracked=tracked, drift=drift)


def event_document(event=EVENT, source=Source.LIVE):
    return payloads().event(event, source)


def validator(name):
    """The published schema, checked to be one."""
    text = (ROOT / "docs" / "mqtt" / f"{name}.schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    return jsonschema.Draft202012Validator(schema)


def objects(schema):
    """Every object in a schema, by where it stands."""
    if "object" in schema.get("type", ()):
        yield schema
    for part in (*schema.get("properties", {}).values(), schema.get("items")):
        if isinstance(part, dict):
            yield from objects(part)


# -- topics ----------------------------------------------------------------------------


def test_an_agent_writes_below_its_own_topic():
    topics = Topics("metaloc", "home", "pi")

    assert topics.agent == "metaloc/home/pi"
    assert topics.status == "metaloc/home/pi/status"
    assert topics.location == "metaloc/home/pi/location"
    assert topics.event == "metaloc/home/pi/event"


# -- ULID and time ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time_ms", "randomness", "text"),
    [
        (0, 0, "0" * 26),
        ((1 << 48) - 1, (1 << 80) - 1, "7" + "Z" * 25),
        (0, 1, "0" * 25 + "1"),
        # The example of the specification (github.com/ulid/spec); its 128 bits are the
        # UUID 01563e3a-b5d3-d676-4c61-efb99302bd5b.
        (0x01563E3AB5D3, 0xD6764C61EFB99302BD5B, "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    ],
)
def test_a_known_ulid(time_ms, randomness, text):
    assert make_ulid(time_ms, randomness) == text


def test_the_time_of_a_ulid_is_that_of_the_reference_implementation():
    # encodeTime(1469918176385) in the test suite of github.com/ulid/javascript
    assert make_ulid(1_469_918_176_385, 0)[:10] == "01ARYZ6S41"


def test_what_does_not_fit_a_ulid_is_cut_off():
    assert make_ulid(1 << 48, 1 << 80) == "0" * 26


_times = st.integers(0, (1 << 48) - 1)
_chances = st.integers(0, (1 << 80) - 1)


@given(_times, _times, _chances, _chances)
def test_ulids_sort_by_time(earlier, later, one, other):
    first, second = sorted([earlier, later])
    ids = [make_ulid(first, one), make_ulid(second, other)]

    assert all(len(text) == 26 for text in ids)
    if first < second:
        assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (999_999, "1970-01-01T00:00:00.000Z"),
        (1_000_000, "1970-01-01T00:00:00.001Z"),
        (1_795_391_940_123_999_999, "2026-11-22T23:59:00.123Z"),
        (1_709_164_800_000_000_000, "2024-02-29T00:00:00.000Z"),
    ],
)
def test_times_are_utc_to_the_millisecond(time_ns, text):
    assert iso_time(time_ns) == text


@given(st.integers(0, 4_102_444_800_000))
def test_any_time_is_read_back_by_the_standard_library(time_ms):
    when = datetime.fromisoformat(iso_time(time_ms * 1_000_000))

    assert when.tzinfo == UTC
    assert round(when.timestamp() * 1000) == time_ms


# -- locations -------------------------------------------------------------------------


def test_a_location_document_names_everything_it_says():
    answer = document()

    assert answer == {
        "schema": "metaloc.location/1",
        "id": make_ulid(NOW_NS // 1_000_000, 0),
        "seq": 0,
        "time": iso_time(ESTIMATE.time_ns),
        "device": "pi",
        "model": "rooms-1+cal.20261122T235900Z",
        "source": "live",
        "historical": False,
        "crs": "local",
        "floor": 1,
        "x": 1.234,
        "y": -0.5,
        "z": None,
        "accuracy": 1.1,
        "r95": 1.9,
        "cov": [0.4112, -0.02, 0.37],
        "presence": "inside",
        "room": "kitchen",
        "confidence": 0.83,
        "candidates": [
            {"room": "kitchen", "p": 0.83},
            {"room": "office", "p": 0.17},
        ],
        "since": None,
        "moving": None,
        "speed": None,
        "raw": {"x": 1.234, "y": -0.5, "room": "kitchen", "confidence": 0.83},
        "quality": "uncalibrated",
        "quality_score": 0.0,
        "novelty": None,
        "drift": None,
        "calibration": {"id": "cal.20261122T235900Z", "age_s": 0},
        "n_frames": 150,
        "window_s": 2.45,
        "access_points": {"heard": 2, "expected": 3},
    }


def test_successive_locations_are_numbered():
    maker = payloads()

    numbers = [maker.document(ESTIMATE, Source.LIVE)["seq"] for _ in range(3)]

    assert numbers == [0, 1, 2]


def test_no_two_locations_share_an_id_even_in_one_millisecond():
    maker = LocationPayloads(CONTEXT, now_ns=lambda: NOW_NS)

    ids = {maker.document(ESTIMATE, Source.LIVE)["id"] for _ in range(50)}

    assert len(ids) == 50


def test_a_capture_without_time_stamps_happened_now():
    answer = document(replace(ESTIMATE, time_ns=0))

    assert answer["time"] == iso_time(NOW_NS)


def test_the_clock_is_that_of_the_machine_unless_told_otherwise():
    before = datetime.now(UTC)
    answer = LocationPayloads(CONTEXT).document(
        replace(ESTIMATE, time_ns=0), Source.LIVE
    )

    age = datetime.fromisoformat(answer["time"]) - before
    assert abs(age.total_seconds()) < 5


@pytest.mark.parametrize("source", list(Source))
def test_the_source_is_in_every_location(source):
    assert document(source=source)["source"] == source.value


def test_a_site_without_rooms_says_so():
    answer = document(replace(ESTIMATE, rooms=()))

    assert (answer["room"], answer["confidence"]) == (None, None)
    assert answer["candidates"] == []


def test_five_candidates_are_enough():
    rooms = tuple((f"room {i}", 0.1) for i in range(10))

    candidates = document(replace(ESTIMATE, rooms=rooms))["candidates"]

    assert [item["room"] for item in candidates] == [f"room {i}" for i in range(5)]


def test_what_is_followed_is_published_beside_what_one_image_says():
    followed, alone = document(tracked=TRACKED), document()

    assert followed["raw"] == alone["raw"]
    assert {key: followed[key] for key in followed if followed[key] != alone[key]} == {
        "x": 2.0,
        "y": 1.0,
        "accuracy": 1.2,
        "r95": 2.5,
        "cov": [0.5, 0.0, 0.5],
        "confidence": 0.45,  # of the room that it is said to be in
        "candidates": [{"room": "office", "p": 0.55}, {"room": "kitchen", "p": 0.45}],
        "since": "2026-11-22T23:58:55.123Z",
        "moving": True,
        "speed": 0.8,
    }


@pytest.mark.parametrize(
    ("whereabouts", "presence", "room"),
    [
        (OUTSIDE, "outside", None),
        (UNKNOWN, "unknown", None),
        (Whereabouts(Presence.INSIDE), "inside", None),
    ],
)
def test_who_is_in_no_room_is_somewhere_all_the_same(whereabouts, presence, room):
    answer = document(tracked=replace(TRACKED, whereabouts=whereabouts))

    assert (answer["presence"], answer["room"]) == (presence, room)
    assert answer["confidence"] is None
    validator("location").validate(answer)


@pytest.mark.parametrize(
    ("overrides", "presence"),
    [({"outside": 0.7}, "outside"), ({"is_flat": True}, "unknown")],
)
def test_one_image_alone_may_say_outside_or_nothing(overrides, presence):
    answer = document(replace(ESTIMATE, **overrides))

    assert (answer["presence"], answer["room"]) == (presence, None)
    assert answer["raw"]["room"] is answer["raw"]["confidence"] is None
    validator("location").validate(answer)


def test_what_nobody_measures_is_null():
    unmeasured = replace(TRACKED, moving=None, speed_m_s=None, since_ns=0)

    answer = document(tracked=unmeasured)

    assert (answer["moving"], answer["speed"], answer["since"]) == (None, None, None)
    validator("location").validate(answer)


def test_novelty_is_published_where_re_visits_are_known():
    assert document(replace(ESTIMATE, novelty=0.97619))["novelty"] == 0.976


def test_drift_is_published_where_somebody_watches():
    assert document(drift=0.12345)["drift"] == 0.123


@pytest.mark.parametrize(
    ("after_s", "age_s"), [(0, 0), (3600, 3600), (0.999, 0), (-86_400, 0)]
)
def test_a_calibration_ages_from_its_name_on_and_is_never_younger_than_new(
    after_s, age_s
):
    made_ns = 1_795_391_940_000_000_000  # 2026-11-22T23:59:00Z
    estimate = replace(ESTIMATE, time_ns=made_ns + round(after_s * 1e9))

    answer = document(estimate)

    assert answer["calibration"] == {"id": "cal.20261122T235900Z", "age_s": age_s}


@pytest.mark.parametrize(
    ("model", "calibration"),
    [
        ("rooms-1", None),
        ("rooms-1+mine", {"id": "mine", "age_s": None}),
        ("a+b+cal.20269999T235900Z", {"id": "cal.20269999T235900Z", "age_s": None}),
    ],
)
def test_a_model_may_name_a_calibration_that_tells_no_time_or_none(model, calibration):
    maker = LocationPayloads(FixContext("pi", model), now_ns=lambda: NOW_NS)
    answer = maker.document(ESTIMATE, Source.LIVE)

    assert answer["calibration"] == calibration
    validator("location").validate(answer)


@given(st.integers(0, 4_102_444_800))
def test_the_time_in_a_calibration_s_name_is_read_back(time_s):
    when = datetime.fromtimestamp(time_s, UTC)

    found = calibration_time_ns(f"cal.{when:%Y%m%dT%H%M%SZ}")

    assert found == time_s * 1_000_000_000


# -- events ----------------------------------------------------------------------------


def test_an_event_document_names_everything_it_says():
    assert event_document() == {
        "schema": "metaloc.event/1",
        "id": make_ulid(NOW_NS // 1_000_000, 0),
        "event": "enter",
        "room": "kitchen",
        "time": iso_time(NOW_NS),
        "since": iso_time(NOW_NS - 1_500_000_000),
        "duration_s": 1.5,
        "confidence": 0.9124,
        "device": "pi",
        "model": "rooms-1+cal.20261122T235900Z",
        "source": "live",
        "historical": False,
    }


def test_an_event_without_time_happened_now():
    answer = event_document(replace(EVENT, time_ns=0, since_ns=0))

    assert (answer["time"], answer["since"]) == (iso_time(NOW_NS), None)


@pytest.mark.parametrize("kind", list(EventKind))
@pytest.mark.parametrize("source", list(Source))
def test_every_event_satisfies_the_schema(kind, source):
    message = event_document(replace(EVENT, kind=kind), source)

    validator("event").validate(json.loads(to_json(message)))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "metaloc.event/2"},
        {"event": "arrive"},
        {"room": ""},
        {"room": None},
        {"time": None},
        {"since": "yesterday"},
        {"duration_s": -1},
        {"confidence": 2},
        {"source": "guessed"},
        {"historical": None},
    ],
    ids=str,
)
def test_the_event_schema_refuses(change):
    with pytest.raises(jsonschema.ValidationError):
        validator("event").validate(event_document() | change)


# -- status ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.ONLINE, "online"),
        (State.OFFLINE, "offline"),
        (State.STOPPED, "stopped"),
    ],
)
def test_a_status_document(state, word):
    assert status_document(state, "pi", version="1.2.3") == {
        "schema": "metaloc.status/1",
        "state": word,
        "device": "pi",
        "version": "1.2.3",
    }


# -- JSON ------------------------------------------------------------------------------


def test_a_document_is_one_line_without_blanks():
    assert to_json({"a": [1, None], "b": "ü\n"}) == '{"a":[1,null],"b":"\\u00fc\\n"}'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_never_sent(value):
    with pytest.raises(ValueError, match="JSON"):
        to_json({"x": value})


# -- schemas ---------------------------------------------------------------------------


@pytest.mark.parametrize("source", list(Source))
def test_every_location_satisfies_the_schema(source):
    validator("location").validate(json.loads(to_json(document(source=source))))


@pytest.mark.parametrize(
    "estimate",
    [
        replace(ESTIMATE, rooms=()),
        replace(ESTIMATE, time_ns=0, window_s=0.0),
        replace(ESTIMATE, floor=-1, position=Position(0.0, 0.0, (0.0, 0.0, 0.0), 0, 0)),
        replace(ESTIMATE, position=None),
        replace(ESTIMATE, rooms=(("kitchen", 1.0),)),
    ],
)
def test_unusual_locations_satisfy_the_schema_too(estimate):
    validator("location").validate(json.loads(to_json(document(estimate))))


@pytest.mark.parametrize("state", list(State))
def test_every_status_satisfies_the_schema(state):
    message = status_document(state, "pi", version="unknown")

    validator("status").validate(json.loads(to_json(message)))


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("location", LOCATION_SCHEMA),
        ("status", STATUS_SCHEMA),
        ("event", EVENT_SCHEMA),
    ],
)
def test_a_schema_describes_every_field(name, identifier):
    schema = validator(name).schema

    assert schema["properties"]["schema"]["const"] == identifier
    for part in objects(schema):
        assert "additionalProperties" not in part
        assert sorted(part["required"]) == sorted(part["properties"])
        for field in part["properties"].values():
            assert field["description"].endswith(".")


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "metaloc.location/2"},
        {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAI"},  # I is no letter of Crockford's base 32
        {"id": "81ARZ3NDEKTSV4RRFFQ69G5FAV"},  # more than 128 bits
        {"seq": -1},
        {"seq": 1.5},
        {"time": "2026-11-22T23:59:00Z"},
        {"time": "2026-11-22 23:59:00.123Z"},
        {"device": "a/b"},
        {"source": "guessed"},
        {"historical": None},
        {"crs": ""},
        {"floor": 0.5},
        {"x": "1"},
        {"y": "1.0"},
        {"accuracy": -0.1},
        {"r95": -0.1},
        {"cov": [0.1, 0.0]},
        {"cov": [0.1, 0.0, 0.1, 0.0]},
        {"cov": [-0.1, 0.0, 0.1]},
        {"room": ""},
        {"room": None},  # with a confidence
        {"confidence": 1.1},
        {"confidence": None},  # with a room
        {"candidates": []},  # with a room
        {"candidates": [{"room": "kitchen"}]},
        {"candidates": [{"room": "kitchen", "p": 0.1}] * 6},
        {"quality": 0.9},
        {"n_frames": -1},
        {"window_s": -1},
        {"presence": ""},
        {"presence": "outside"},  # with a room
        {"since": "23:59"},
        {"moving": 1},
        {"speed": -0.1},
        {"raw": None},
        {"raw": {"x": 1.0, "y": 1.0}},
        {"drift": 1.1},
        {"novelty": -0.1},
        {"calibration": {"id": "cal"}},
        {"calibration": {"id": "cal", "age_s": -1}},
        {"access_points": {"heard": 1}},
        {"access_points": {"heard": -1, "expected": 1}},
    ],
    ids=str,
)
def test_the_location_schema_refuses(change):
    message = document() | change

    with pytest.raises(jsonschema.ValidationError):
        validator("location").validate(message)


def test_what_is_published_has_no_field_that_the_schemas_do_not_describe():
    location, status = document(), status_document(State.ONLINE, "pi", version="1")

    assert location.keys() == validator("location").schema["properties"].keys()
    assert status.keys() == validator("status").schema["properties"].keys()
    assert event_document().keys() == validator("event").schema["properties"].keys()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("location", {"course": 0.0, "quality": "calibrated", "crs": "EPSG:4326"}),
        ("status", {"since": "2026-11-22T23:59:00.000Z"}),
    ],
)
def test_fields_may_be_added_in_later_versions(name, message):
    status = status_document(State.ONLINE, "pi", version="1")
    known = document() if name == "location" else status

    validator(name).validate(known | message)


@pytest.mark.parametrize("missing", sorted(document()))
def test_the_location_schema_misses_every_field(missing):
    message = document()
    del message[missing]

    with pytest.raises(jsonschema.ValidationError, match="is a required property"):
        validator("location").validate(message)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "metaloc.status/2"},
        {"state": "sleeping"},
        {"device": ""},
        {"version": None},
    ],
    ids=str,
)
def test_the_status_schema_refuses(change):
    message = status_document(State.ONLINE, "pi", version="1") | change

    with pytest.raises(jsonschema.ValidationError):
        validator("status").validate(message)
