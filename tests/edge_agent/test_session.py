"""One run at a site: what is printed, what is published, and what was wrong."""

import io
import json
import time
from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest

from edge_agent.calibration import CALIBRATION_FILE
from edge_agent.config import (
    AgentConfig,
    BrokerConfig,
    ModelConfig,
    SiteConfig,
    TrackingConfig,
)
from edge_agent.console import Console
from edge_agent.drift.causes import Cause
from edge_agent.drift.causes import Kind as CauseKind
from edge_agent.drift.monitor import DriftState
from edge_agent.errors import (
    BrokerError,
    BundleError,
    CalibrationError,
    CaptureError,
    SimulatedError,
)
from edge_agent.fix_line import describe_fix
from edge_agent.learning.backends import Backend, for_predicting
from edge_agent.learning.predictor import LayerPredictor
from edge_agent.localizer import Localizer
from edge_agent.payload import FixContext, LocationPayloads, Source
from edge_agent.pipeline import Fix, Pipeline
from edge_agent.session import Session, _DriftReport, _some, open_session
from edge_agent.tracking.tracker import Tracker
from edge_agent.version import version
from tests.brokers import PASSWORD, USERNAME, free_port, wait_until
from tests.builders import ethernet, ipv4, udp
from tests.edge_agent.fixes import FIX
from tests.edge_agent.sites import (
    REAL,
    SIMULATED,
    SPEC,
    START_US,
    STRANGER,
    packets_at,
    random_calibration,
    raw_frames_of,
)

FOREIGN = (START_US, ethernet(ipv4(udp(b"hello", port=53))))


class Feed:
    """A source of prepared packets; an exception among them is raised."""

    def __init__(self, *parts, losses=(), kind=Source.REPLAY):
        self.name, self.doing = "the feed", "reading the feed"
        self._parts, self._losses = parts, Counter(dict(losses))
        self._kind = kind
        self.wanted, self.newest_ns = [], []

    def packets(self, wanted):
        for part in self._parts:
            self.wanted.append(wanted())
            if isinstance(part, BaseException):
                raise part
            yield part

    def kind(self, newest_ns):
        self.newest_ns.append(newest_ns)
        return self._kind

    def losses(self):
        return self._losses


class Terminal:
    """Both streams, line by line."""

    def __init__(self):
        self._out, self._err = io.StringIO(), io.StringIO()
        self.console = Console(self._out, self._err)

    @property
    def results(self):
        return self._out.getvalue().splitlines()

    @property
    def talk(self):
        return self._err.getvalue().splitlines()


@pytest.fixture
def terminal():
    return Terminal()


@pytest.fixture
def run(rng, bundle, terminal):
    """Run a session on a feed."""

    def run(
        *parts,
        macs=REAL,
        as_json=False,
        losses=(),
        tracking=None,
        notices_silence=False,
        **options,
    ):
        calibration = random_calibration(rng, bundle, macs=macs)
        localizer = Localizer(calibration, LayerPredictor(bundle, calibration))
        session = Session(
            Pipeline(SPEC, calibration, localizer, hop=8),
            LocationPayloads(FixContext("pi", "tiny-1")),
            terminal.console,
            None,
            as_json=as_json,
            tracker=tracking and Tracker(calibration.points, tracking),
            notices_silence=notices_silence,
        )
        feed = Feed(*parts, losses=losses)
        session.run(feed, **options)
        return feed

    return run


# -- locations -------------------------------------------------------------------------


def test_the_columns_behind_a_long_room_name_stand_where_they_do_behind_a_short_one():
    longest = "meeting corner"
    rooms = ((longest, 1.0),)

    short = describe_fix(FIX, len(longest))
    long = describe_fix(Fix(replace(FIX.estimate, rooms=rooms), FIX.source), 14)

    assert short[10:24] == "kitchen       "
    assert long[10:24] == longest
    assert short.index("%") == long.index("%")
    assert short[short.index("%") :] == long[long.index("%") :]


@pytest.mark.usefixtures("utc")
def test_a_site_without_rooms_shows_none():
    estimate = replace(FIX.estimate, rooms=())

    line = describe_fix(Fix(estimate, Source.LIVE))

    assert line.startswith("23:59:00  x  1.23  y")
    assert line.endswith("live  uncalibrated")


@pytest.mark.usefixtures("utc")
def test_a_location_that_is_a_room_alone_has_no_coordinates():
    estimate = replace(FIX.estimate, position=None)

    line = describe_fix(Fix(estimate, Source.LIVE))

    assert line[8:] == "  kitchen  83%  2/3 access points  live  uncalibrated"


def test_a_capture_without_time_stamps_is_shown_as_now(monkeypatch):
    noon = datetime(2026, 11, 23, 12, 0, 7).astimezone()
    monkeypatch.setattr(time, "time_ns", lambda: int(noon.timestamp()) * 10**9)
    estimate = replace(FIX.estimate, time_ns=0)

    assert describe_fix(Fix(estimate, Source.REPLAY)).startswith("12:00:07")


def test_every_location_is_a_line(run, terminal):
    run(raw_frames_of(packets_at(0, n=24)))

    assert len(terminal.results) == 3
    assert all("access points  replay" in line for line in terminal.results)


def test_a_remark_about_a_location_ends_its_line(run, terminal):
    notes = iter(["1.50 m off", "", "0.25 m off"])

    run(raw_frames_of(packets_at(0, n=24)), remark=lambda _fix: next(notes))

    ends = [line.split("replay  uncalibrated")[1] for line in terminal.results]
    assert ends == ["  1.50 m off", "", "  0.25 m off"]


# -- silence ---------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is told."""

    class Clock:
        now = 1000.0

        def wait(self, seconds):
            self.now += seconds

    clock = Clock()
    monkeypatch.setattr("edge_agent.session.time.monotonic", lambda: clock.now)
    return clock


class Waiting(Feed):
    """A feed in which a number is so many seconds without a packet."""

    clock = None

    def packets(self, wanted):
        for part in self._parts:
            if isinstance(part, float):
                self.clock.wait(part)
                yield None
            else:
                yield part


@pytest.fixture
def wait(run, clock, monkeypatch):
    monkeypatch.setattr(Waiting, "clock", clock)
    monkeypatch.setattr("tests.edge_agent.test_session.Feed", Waiting)
    return run


def test_who_is_not_heard_for_two_minutes_is_nowhere(wait, terminal):
    """It is said then, and not when the device comes back."""
    packets = raw_frames_of(packets_at(0, n=64))

    wait(
        *(packets, 119.0, 2.0, 300.0),
        as_json=True,
        tracking=TrackingConfig(settle_s=0.1),
        notices_silence=True,
    )

    *heard, unheard = [json.loads(line) for line in terminal.results]
    assert len(heard) == 8
    assert {location["presence"] for location in heard} == {"inside"}
    assert (unheard["presence"], unheard["room"], unheard["x"]) == (
        "unknown",
        None,
        None,
    )
    assert unheard["access_points"] == {"heard": 0, "expected": 2}
    assert unheard["quality_score"] == 0
    gone = datetime.fromisoformat(unheard["time"])
    assert (gone - datetime.fromisoformat(heard[-1]["time"])).total_seconds() == 121


def test_the_room_is_left_when_nothing_is_heard(wait, terminal):
    wait(
        *(raw_frames_of(packets_at(0, n=64)), 130.0),
        tracking=TrackingConfig(settle_s=0.1),
        notices_silence=True,
    )

    assert "unknown" in terminal.results[-1]
    assert "leaves" in terminal.results[-1]
    assert terminal.results[-1].endswith("not heard any more")


def test_in_a_recording_no_time_passes(wait, terminal):
    wait(raw_frames_of(packets_at(0, n=64)), 500.0, tracking=TrackingConfig())

    assert not any("not heard" in line for line in terminal.results)


def test_remarks_are_made_of_all_locations_and_change_no_json(run, terminal):
    noted = []

    def remark(fix):
        noted.append(fix.estimate)
        return "1.50 m off"

    run(raw_frames_of(packets_at(0, n=24)), as_json=True, remark=remark)

    documents = [json.loads(line) for line in terminal.results]
    assert [document["x"] for document in documents] == [
        round(e.position.x, 3) for e in noted
    ]
    assert "m off" not in "".join(terminal.results)


def test_locations_can_be_json(run, terminal):
    run(raw_frames_of(packets_at(0, n=24)), as_json=True)

    documents = [json.loads(line) for line in terminal.results]
    assert [document["seq"] for document in documents] == [0, 1, 2]
    assert {document["source"] for document in documents} == {"replay"}
    assert {document["model"] for document in documents} == {"tiny-1"}


def test_the_location_that_still_waited_comes_at_the_end(run, terminal):
    packets = packets_at(0, n=8, macs=REAL[:1]) + packets_at(0, n=5, macs=REAL[1:])

    run(raw_frames_of(sorted(packets)))

    assert len(terminal.results) == 1
    assert "1/2 access points" in terminal.results[0]


def test_the_source_is_told_how_many_packets_are_wanted_and_how_old_the_last_was(run):
    first, second = packets_at(0, n=3), packets_at(1, n=1, start_us=START_US + 10**6)

    feed = run(raw_frames_of(first), None, raw_frames_of(second))

    assert feed.wanted == [8, 5, 5]
    ends_us = [first[-1][0], second[-1][0], second[-1][0]]
    assert feed.newest_ns == [1000 * end_us for end_us in ends_us]


# -- following -------------------------------------------------------------------------


def test_what_follows_the_device_is_fed_and_its_location_is_the_one_that_is_shown(
    run, terminal
):
    noted = []
    config = TrackingConfig(settle_s=0.0)

    def remark(fix):
        noted.append(fix.estimate)
        return ""

    run(
        raw_frames_of(packets_at(0, n=64)),
        as_json=True,
        tracking=config,
        remark=remark,
    )

    documents = [json.loads(line) for line in terminal.results]
    assert [d["x"] for d in documents] == [round(e.position.x, 3) for e in noted]
    assert any(d["x"] != d["raw"]["x"] for d in documents[1:])
    assert all(d["since"] is not None for d in documents)


def test_events_end_the_line_that_they_come_with(run, terminal):
    config = TrackingConfig(settle_s=0.0)

    run(
        raw_frames_of(packets_at(0, n=24)),
        tracking=config,
        remark=lambda _fix: "1.50 m off",
    )

    (entering,) = [line for line in terminal.results if "enters" in line]
    assert entering.split("replay  uncalibrated  ")[1] in (
        "enters kitchen  1.50 m off",
        "enters office  1.50 m off",
    )


def test_when_the_clock_is_set_back_the_room_is_left_first(run, terminal):
    again = packets_at(0, n=24, start_us=START_US - 10**7)

    run(
        raw_frames_of(packets_at(0, n=24)),
        raw_frames_of(again),
        tracking=TrackingConfig(settle_s=0.0),
    )

    noted = [line for line in terminal.results if "leaves" in line]
    assert len(noted) == 1


def alarm(*causes):
    return DriftState(
        1.0, is_alarm=True, causes=causes, p_value=0.01, n_stops=9, n_known=9
    )


WEAKER = Cause(CauseKind.WEAKER, REAL[0].hex(":"), 4, -6.2, ("p1", "p3"))
GONE = Cause(CauseKind.SILENT, REAL[1].hex(":"), 3, None, ())


def test_what_has_drifted_is_said_once_each_with_what_would_mend_it(terminal):
    report = _DriftReport(terminal.console)

    quiet = DriftState(
        0.3, is_alarm=False, causes=(), p_value=None, n_stops=2, n_known=9
    )
    for drift in (None, quiet, alarm(WEAKER), alarm(WEAKER), alarm(WEAKER, GONE)):
        report.see(drift)

    assert terminal.talk == [
        "caution: access point dc:a6:32:01:02:03 is 6 dB weaker than calibrated, in 4 "
        "stops: edge_agent calibrate --points 2",
        "caution: access point dc:a6:32:01:02:04 is no longer heard, in 3 stops: "
        "edge_agent calibrate",
    ]


# -- what was wrong --------------------------------------------------------------------


def test_at_the_end_packets_frames_and_locations_are_counted(run, terminal):
    run(
        raw_frames_of([*packets_at(0, n=9), FOREIGN, FOREIGN]),
        raw_frames_of(packets_at(0, n=1, macs=(STRANGER,))),
        losses={"dropped by the kernel": 7},
    )

    assert terminal.talk == [
        "reading the feed",
        "the feed: 21 packets, 19 CSI frames, 1 locations",
        "       7  dropped by the kernel",
        "       2  UDP, but not to port 5500",
        "       1  transmitter is not part of the calibration",
    ]


def test_the_counts_are_said_when_the_source_breaks_too(run, terminal):
    with pytest.raises(CaptureError, match="went down"):
        run(raw_frames_of(packets_at(0, n=8)), CaptureError("went down"))

    assert terminal.talk[1:] == ["the feed: 16 packets, 16 CSI frames, 1 locations"]


def test_the_counts_are_said_when_somebody_stops_it(run, terminal):
    with pytest.raises(KeyboardInterrupt):
        run(raw_frames_of(packets_at(0, n=8)), KeyboardInterrupt())

    assert terminal.talk[1:] == ["the feed: 16 packets, 16 CSI frames, 1 locations"]


def test_what_is_done_is_said_once_the_source_is_open(run, terminal):
    with pytest.raises(CaptureError):
        run(CaptureError("there is no such interface"))
    assert "reading the feed" not in terminal.talk

    run(None, None)
    assert terminal.talk.count("reading the feed") == 1


def test_without_any_frame_it_says_where_to_look(run, terminal):
    run(raw_frames_of([FOREIGN]))

    assert terminal.talk[-1].startswith("no CSI frame from the feed: is the chip armed")


def test_frames_of_strangers_alone_are_named_so(run, terminal):
    run(raw_frames_of(packets_at(0, n=9, macs=(STRANGER,))))

    assert terminal.talk[-1] == (
        "9 CSI frames, but none fits the calibration: transmitter is not part of the "
        "calibration. It knows dc:a6:32:01:02:03, dc:a6:32:01:02:04; edge_agent frames "
        "FILE shows what a recording holds"
    )


def test_of_many_transmitters_a_few_are_named():
    assert _some(["a", "b", "c", "d"]) == "a, b, c, d"
    assert _some(["a", "b", "c", "d", "e", "f"]) == "a, b, c, d and 2 more"


def test_too_few_frames_are_named_so(run, terminal):
    run(raw_frames_of(packets_at(0, n=7)))

    assert terminal.talk[-1].startswith("14 CSI frames, too few for a location")


def test_with_locations_there_is_no_hint(run, terminal):
    run(raw_frames_of(packets_at(0, n=8)))

    assert terminal.talk[1:] == ["the feed: 16 packets, 16 CSI frames, 1 locations"]


def test_after_ten_seconds_of_silence_there_is_a_hint_but_only_one(
    run, terminal, monkeypatch
):
    monkeypatch.setattr("edge_agent.session._SILENCE_S", -1.0)  # they have passed

    run(None, None, None, raw_frames_of(packets_at(0, n=8)))

    hints = [line for line in terminal.talk if "is the chip armed" in line]
    assert len(hints) == 1
    assert terminal.talk[1] == hints[0]


def test_who_has_a_location_by_then_needs_no_hint(run, terminal, monkeypatch):
    monkeypatch.setattr("edge_agent.session._SILENCE_S", -1.0)  # they have passed

    run(raw_frames_of(packets_at(0, n=8)), None)

    assert terminal.talk[1:] == ["the feed: 16 packets, 16 CSI frames, 1 locations"]


def test_before_that_there_is_none(run, terminal):
    run(None, None, raw_frames_of(packets_at(0, n=8)))

    assert not any("is the chip armed" in line for line in terminal.talk)


def test_once_a_minute_the_counts_are_said(run, terminal, monkeypatch):
    monkeypatch.setattr("edge_agent.session._REPORT_EVERY_S", 0.0)  # it has passed

    run(raw_frames_of(packets_at(0, n=8)), None)

    assert terminal.talk[1:] == [
        "16 packets, 16 CSI frames, 1 locations",
        "16 packets, 16 CSI frames, 1 locations",
        "the feed: 16 packets, 16 CSI frames, 1 locations",
    ]


# -- a session from a configuration ----------------------------------------------------


@pytest.fixture
def config(bundle_directory, state):
    return AgentConfig(
        SiteConfig("home", "pi"),
        BrokerConfig(port=free_port(), connect_timeout_s=2),
        model=ModelConfig(str(bundle_directory), str(state)),
    )


def opened(config, console, *, publish=False, as_json=False):
    return open_session(config, console, hop=8, publish=publish, as_json=as_json)


def test_a_session_says_what_it_works_with(config, terminal):
    with opened(config, terminal.console) as session:
        session.run(Feed(raw_frames_of(packets_at(0, n=8))))

    assert terminal.talk[0] == (
        "site home: 3 points, 2 access points, network on "
        f"{for_predicting(Backend.AUTO)}; model: tiny-1; broker: none"
    )
    assert len(terminal.results) == 1


def test_the_back_end_is_the_configured_one(config, terminal):
    with opened(
        replace(config, model=replace(config.model, backend="numpy")), terminal.console
    ):
        pass

    assert "2 access points, network on numpy;" in terminal.talk[0]


def test_a_location_names_the_model_and_the_calibration(config, terminal):
    with opened(config, terminal.console, as_json=True) as session:
        session.run(Feed(raw_frames_of(packets_at(0, n=8))))

    (document,) = [json.loads(line) for line in terminal.results]
    assert document["model"] == "tiny-1+cal.20261122T235900Z"
    assert document["device"] == "pi"


def test_what_is_printed_as_json_is_what_is_published(
    config, terminal, mosquitto, received, monkeypatch
):
    monkeypatch.setenv("METALOC_BROKER_PASSWORD", PASSWORD)
    broker = replace(config.broker, port=mosquitto.port, username=USERNAME)

    with opened(
        replace(config, broker=broker), terminal.console, publish=True, as_json=True
    ) as session:
        session.run(Feed(raw_frames_of(packets_at(0, n=16))))

    messages = [received.next() for _ in range(4)]
    status = [json.loads(text) for topic, text, *_ in messages if "status" in topic]
    locations = [text for topic, text, *_ in messages if "location" in topic]
    assert [document["state"] for document in status] == ["online", "stopped"]
    assert {document["version"] for document in status} == {version()}
    assert locations == terminal.results
    assert messages[1][0] == "metaloc/home/pi/location"
    assert terminal.talk[0].endswith(
        f"broker: 127.0.0.1:{mosquitto.port}, topic metaloc/home/pi/location"
    )


def test_locations_that_could_not_be_published_are_counted(
    config, terminal, relay, monkeypatch, caplog
):
    monkeypatch.setenv("METALOC_BROKER_PASSWORD", PASSWORD)
    broker = replace(config.broker, port=relay.port, username=USERNAME)

    class Cutting(Feed):
        def packets(self, wanted):
            relay.cut()
            wait_until(lambda: "lost broker" in caplog.text, "the loss is noticed")
            yield from super().packets(wanted)

    with opened(
        replace(config, broker=broker), terminal.console, publish=True
    ) as session:
        session.run(Cutting(raw_frames_of(packets_at(0, n=16))))

    assert len(terminal.results) == 2
    assert "       2  locations not published: the broker was away" in terminal.talk


def test_a_site_that_was_never_calibrated_says_what_to_do(config, terminal):
    site = replace(config, site=SiteConfig("office", "pi"))

    with (
        pytest.raises(
            CalibrationError, match=r"site office is not calibrated: no .*off"
        ),
        opened(site, terminal.console),
    ):
        pass


def test_a_damaged_calibration_is_no_missing_one(config, terminal, state):
    (state / "home" / "calibration.npz").write_bytes(b"")

    with (
        pytest.raises(CalibrationError, match=r"calibration.npz: is damaged"),
        opened(config, terminal.console),
    ):
        pass


def test_a_missing_bundle_is_named(config, terminal, tmp_path):
    model = replace(config.model, bundle=str(tmp_path / "none"))

    with (
        pytest.raises(BundleError, match=r"none/manifest.json: No such file"),
        opened(replace(config, model=model), terminal.console),
    ):
        pass


ELSEWHERE = "192.0.2.1"
"""Nobody's address (RFC 5737): whoever connects to it fails otherwise."""


def at(config, host, **broker):
    settings = replace(config.broker, host=host, connect_timeout_s=0.2, **broker)
    return replace(config, broker=settings)


def test_a_simulated_source_is_refused_before_a_broker_elsewhere_is_called(
    config, terminal
):
    with (
        pytest.raises(
            SimulatedError, match=r"192.0.2.1:\d+ is not on this machine"
        ) as error,
        open_session(
            at(config, ELSEWHERE),
            terminal.console,
            hop=8,
            publish=True,
            as_json=False,
            check_source=lambda: True,
        ),
    ):
        pass

    assert error.value.exit_code == 1
    assert terminal.talk == []


def test_so_is_a_calibration_that_knows_simulated_transmitters(
    config, terminal, rng, bundle, state
):
    macs = (REAL[0], SIMULATED[0])
    random_calibration(rng, bundle, macs=macs).save(state / "home" / CALIBRATION_FILE)

    with (
        pytest.raises(
            SimulatedError,
            match=r"^site home is calibrated to simulated .*--allow-simulated",
        ),
        opened(at(config, ELSEWHERE), terminal.console, publish=True),
    ):
        pass


def test_who_publishes_nothing_may_simulate(config, terminal):
    with open_session(
        at(config, ELSEWHERE),
        terminal.console,
        hop=8,
        publish=False,
        as_json=False,
        check_source=lambda: True,
    ) as session:
        session.run(Feed(raw_frames_of(packets_at(0, n=8)), kind=Source.SIMULATED))

    assert terminal.results[0].endswith("simulated  uncalibrated")


def test_a_broker_on_this_machine_gets_what_turns_out_to_be_simulated(
    config, terminal, mosquitto, received, monkeypatch
):
    monkeypatch.setenv("METALOC_BROKER_PASSWORD", PASSWORD)
    local = at(config, "localhost", port=mosquitto.port, username=USERNAME)

    with opened(local, terminal.console, publish=True) as session:
        session.run(Feed(raw_frames_of(packets_at(0, n=8)), kind=Source.SIMULATED))

    messages = [received.next() for _ in range(3)]
    assert [json.loads(text).get("source") for _, text, *_ in messages] == [
        None,
        "simulated",
        None,
    ]


def test_a_broker_that_is_not_there_ends_it_before_it_begins(config, terminal):
    with (
        pytest.raises(BrokerError, match="cannot be reached"),
        opened(config, terminal.console, publish=True),
    ):
        pass

    assert terminal.talk == []
