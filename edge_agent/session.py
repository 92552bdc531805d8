"""One run of the agent at a site: model, calibration, broker, and the packet loop."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from edge_agent.config import AgentConfig
from edge_agent.configured_site import open_configured_site
from edge_agent.console import Console
from edge_agent.drift.monitor import DriftState
from edge_agent.drift.state_file import DRIFT_FILE
from edge_agent.estimate import unheard_of
from edge_agent.fix_line import describe_event, describe_fix
from edge_agent.models import load_model
from edge_agent.payload import FixContext, LocationPayloads, Source, Topics, to_json
from edge_agent.pipeline import Fix, SitePipeline
from edge_agent.publish import MqttPublisher
from edge_agent.site_model import SiteModel
from edge_agent.sources import PacketSource
from edge_agent.tracking.rooms import RoomEvent
from edge_agent.tracking.site_tracker import make_tracker
from edge_agent.tracking.tracker import LONGEST_GAP_S, Tracked, Tracker
from edge_agent.version import version

_REPORT_EVERY_S = 60.0
_SILENCE_S = 10.0
_MAX_NAMED = 4


class Session:
    """Locates what a source brings, prints it, publishes it if there is a broker."""

    def __init__(
        self,
        pipeline: SitePipeline[Any],
        payloads: LocationPayloads,
        console: Console,
        publisher: MqttPublisher | None,
        *,
        as_json: bool,
        room_width: int = 0,
        tracker: Tracker | None = None,
        notices_silence: bool = False,
    ) -> None:
        """Bring together what `open_session` made.

        Args:
            pipeline: From packets to locations.
            payloads: From locations to documents.
            console: Where to print them.
            publisher: Where to publish them, if anywhere.
            as_json: Print the documents.
            room_width: Characters of the site's longest room name, which decide where
                the columns behind it stand.
            tracker: What makes a way of them, if anything does.
            notices_silence: Whether time passes while nothing comes, as it does of what
                is captured now and not of a recording.
        """
        self._pipeline, self._payloads = pipeline, payloads
        self._console, self._publisher = console, publisher
        self._as_json, self._room_width = as_json, room_width
        self._tracker = tracker
        self._notices_silence = notices_silence
        self._last: Fix | None = None
        self._last_s = 0.0
        self._drift = _DriftReport(console)
        self._n_fixes = 0

    def run(
        self, source: PacketSource, *, remark: Callable[[Fix], str] = lambda _fix: ""
    ) -> None:
        """Locate until the source ends.

        Args:
            source: Of the packets.
            remark: Called with every location; what it returns ends the line that a
                person reads about it.

        Raises:
            CaptureError: The source cannot be opened or breaks.
            SimulatedError: Its frames turn out to be simulated, and the broker is on
                another machine.
        """
        newest_ns, is_open = 0, False
        report = _Report(self._console, source.name, self._pipeline)
        try:
            for raw in source.packets(lambda: self._pipeline.frames_until_due):
                if not is_open:
                    is_open = True
                    self._console.say(source.doing)
                if raw is not None and len(raw):
                    newest_ns = int(raw.time_ns[-1])
                    kind = source.kind(newest_ns)
                    if kind is Source.SIMULATED and self._publisher is not None:
                        self._publisher.check_simulated()
                    self._emit(self._pipeline.feed(raw, kind), remark)
                self._notice_silence()
                report.tick()
            self._emit(self._pipeline.finish(source.kind(newest_ns)), remark)
        finally:
            if is_open:
                report.final(source.losses(), self._n_fixes, self._publisher)

    def _notice_silence(self) -> None:
        """Say that nobody knows where the device is, once it is not heard for long.

        Who went away is noticed then, not when it comes back.
        """
        if (last := self._last) is None or not self._notices_silence:
            return
        silent_s = time.monotonic() - self._last_s
        if silent_s < LONGEST_GAP_S:
            return
        self._last = None
        unheard = unheard_of(last.estimate, silent_s)
        events = self._tracker.end() if self._tracker is not None else ()
        self._show(last._replace(estimate=unheard), None, events, "not heard any more")

    def _emit(self, fixes: list[Fix], remark: Callable[[Fix], str]) -> None:
        for raw in fixes:
            self._last, self._last_s = raw, time.monotonic()
            fix, tracked = raw, None
            if self._tracker is not None:
                tracked = self._tracker.update(raw.estimate, raw.unrest)
                fix = raw._replace(estimate=tracked.estimate)
            self._n_fixes += 1
            self._drift.see(fix.drift)
            events = tracked.events if tracked else ()
            self._show(raw, tracked, events, remark(fix))

    def _show(
        self,
        raw: Fix,
        tracked: Tracked | None,
        events: tuple[RoomEvent, ...],
        remark: str,
    ) -> None:
        """Publish and print one location, and what happened to rooms."""
        document = self._payloads.document(
            raw.estimate,
            raw.source,
            tracked=tracked,
            drift=None if raw.drift is None else raw.drift.score,
        )
        if self._publisher is not None:
            self._publisher.publish(document)
            for event in events:
                self._publisher.publish_event(self._payloads.event(event, raw.source))
        if self._as_json:
            self._console.result(to_json(document))
            return
        fix = raw if tracked is None else raw._replace(estimate=tracked.estimate)
        notes = [*map(describe_event, events), remark]
        line = describe_fix(fix, self._room_width, tracked)
        self._console.result("  ".join([line, *filter(None, notes)]))


class _DriftReport:
    """Says once what has drifted, and what to do."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: set[str] = set()

    def see(self, drift: DriftState | None) -> None:
        if drift is None or not drift.is_alarm:
            return
        for cause in drift.causes:
            told = f"{cause.kind} {cause.name}"
            if told not in self._said:
                self._said.add(told)
                self._console.caution(f"{cause.sentence}: {cause.request}")


class _Report:
    """Says once a minute, and at the end, what became of the packets."""

    def __init__(
        self, console: Console, name: str, pipeline: SitePipeline[Any]
    ) -> None:
        self._console, self._name, self._pipeline = console, name, pipeline
        self._frames = pipeline.wording.frames
        self._started = self._last = time.monotonic()
        self._warned = False

    def tick(self) -> None:
        now = time.monotonic()
        counters = self._pipeline.counters
        if not self._warned and now - self._started > _SILENCE_S:
            self._warned = True
            if (hint := self._hint()) is not None:
                self._console.say(hint)
        if now - self._last >= _REPORT_EVERY_S:
            self._last = now
            self._console.say(
                f"{counters.packets} packets, {counters.frames} {self._frames}, "
                f"{counters.images} locations"
            )

    def final(
        self, losses: Counter[str], n_fixes: int, publisher: MqttPublisher | None
    ) -> None:
        counters = self._pipeline.counters
        self._console.say(
            f"{self._name}: {counters.packets} packets, "
            f"{counters.frames} {self._frames}, {n_fixes} locations"
        )
        reasons = Counter({str(k): n for k, n in counters.refused.items()})
        reasons.update({str(k): n for k, n in counters.unused.items()})
        reasons.update(losses)
        if publisher is not None:
            away = "not published: the broker was away"
            reasons[f"locations {away}"] = publisher.dropped
            reasons[f"events {away}"] = publisher.dropped_events
        for reason, n in reasons.most_common():
            if n:
                self._console.say(f"  {n:6d}  {reason}")
        if n_fixes == 0 and (hint := self._hint()) is not None:
            self._console.say(hint)

    def _hint(self) -> str | None:
        """Return what is wrong if nothing could be located so far."""
        counters, wording = self._pipeline.counters, self._pipeline.wording
        if counters.images:
            return None
        if counters.frames == 0:
            return f"no {wording.frame} from {self._name}: {wording.none}"
        if counters.unused.total() == counters.frames:
            return (
                f"{counters.frames} {wording.frames}, but none fits the calibration: "
                f"{counters.unused.most_common(1)[0][0]}. It knows "
                f"{_some(self._pipeline.transmitters)}; {wording.look}"
            )
        return (
            f"{counters.frames} {wording.frames}, too few for a location: "
            f"{wording.too_few}"
        )


def _some(names: list[str]) -> str:
    """Return the first few of them in words."""
    shown = ", ".join(names[:_MAX_NAMED])
    more = len(names) - _MAX_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


@contextmanager
def open_session(
    config: AgentConfig,
    console: Console,
    *,
    hop: int,
    publish: bool,
    as_json: bool,
    model: SiteModel[Any, Any] | None = None,
    check_source: Callable[[], bool] = lambda: False,
    is_recording: bool = False,
) -> Iterator[Session]:
    """Load the site's model, connect to the broker, and say what is going on.

    Args:
        config: Site, broker and model.
        console: Where to say it.
        hop: New packets per access point from one location to the next.
        publish: Whether to connect to the broker.
        as_json: Print locations as they are published.
        model: What locates; the one that the configuration names unless given.
        check_source: Called before the broker hears of us; tells whether the frames are
            simulated, as far as that is known.
        is_recording: A recording is replayed, perhaps beside the agent that captures
            live under the same name; it must not take over its connection.

    Raises:
        BundleError: The model bundle cannot be used.
        BackendError: What was asked to compute is not there or cannot be used.
        CalibrationError: The site has no calibration, or one of another model.
        BrokerError: The broker cannot be reached or refuses.
        SimulatedError: What would be published is simulated, and the broker is on
            another machine; it has heard nothing of us.
    """
    site, device = config.site.name, config.site.device

    model = model or load_model(config.model, on_caution=console.caution)
    opened = open_configured_site(model, config, hop=hop, on_caution=console.caution)
    pipeline = opened.pipeline
    if not is_recording:
        folder = config.model.site_path(site)
        pipeline.remember_drift(folder / DRIFT_FILE, opened.identifier)
    name = f"{model.name}+{opened.identifier}"
    payloads = LocationPayloads(FixContext(device, name))
    tracker = make_tracker(config, opened.points, on_caution=console.caution)
    topics = Topics(config.broker.base_topic, site, device)
    is_source_simulated = check_source()
    with ExitStack() as stack:
        publisher = None
        if publish:
            publisher = MqttPublisher(
                config.broker,
                topics,
                device=device,
                version=version(),
                role="replay" if is_recording else "",
            )
            if is_source_simulated:
                publisher.check_simulated()
            elif pipeline.knows_simulated:
                publisher.check_simulated(
                    f"site {site} is calibrated to simulated transmitters or shots "
                    "(record real ones: edge_agent adapt --help)"
                )
            stack.enter_context(publisher)
        where = f"{publisher.where}, topic {topics.location}" if publisher else "none"
        console.say(
            f"site {site}: {len(opened.points)} points, "
            f"{opened.n_access_points} access points, {opened.backend}; "
            f"model: {model.name}; broker: {where}"
        )
        yield Session(
            pipeline,
            payloads,
            console,
            publisher,
            as_json=as_json,
            room_width=max(len(point.room or "") for point in opened.points),
            tracker=tracker,
            notices_silence=not is_recording,
        )
