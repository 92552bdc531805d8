"""Packets, lines and Ctrl-C into a walk; what it says onto a skin."""

from collections.abc import Callable, Iterator
from typing import Final

from edge_agent.csi.raw import RawFrames
from edge_agent.errors import AgentError, CaptureError, WalkError
from edge_agent.guide.interrupts import Interrupt, Interrupts
from edge_agent.guide.line_reader import LineReader
from edge_agent.guide.recorded_site import RecordedSite
from edge_agent.guide.skin import Skin
from edge_agent.walking.commands import Command, Verb
from edge_agent.walking.engine import State, Walk
from edge_agent.walking.events import Event, Fault, Refused
from edge_agent.walking.plan import Stop
from edge_agent.walking.stored_walk import StoredWalk

_TICK_S: Final = 0.1
"""Between two looks at a shot whose recording has ended [s]."""


class LiveWalk:
    """A walk that somebody takes now."""

    def __init__(
        self,
        walk: Walk,
        stored: StoredWalk,
        skin: Skin,
        *,
        lines: LineReader,
        interrupts: Interrupts,
        clock: Callable[[], float],
    ) -> None:
        """Bring together what takes part.

        Args:
            walk: To be begun.
            stored: The same on disk.
            skin: What shows it and reads lines.
            lines: What is typed, or sent; their end leaves the walk.
            interrupts: Ctrl-C.
            clock: Time [s] that never goes back.
        """
        self._walk, self._stored, self._skin = walk, stored, skin
        self._lines, self._interrupts = lines, interrupts
        self._clock = clock

    def run(self, packets: Iterator[RawFrames | None]) -> None:
        """Walk until the walk is finished or left.

        Args:
            packets: Of the source; None now and then when nothing comes.

        Raises:
            CaptureError: The source breaks, or ends before the walk does. All shots
                that were stored are kept.
        """
        walk = self._walk
        self._skin.events(walk.begin(self._clock()))
        for raw in packets:
            now = self._clock()
            events = [] if raw is None else walk.feed(raw, now)
            events += walk.tick(now)
            self._skin.events(events)
            self._listen()
            if walk.state is State.FINISHED:
                return
        raise CaptureError("the packets ended before the walk did")

    def _listen(self) -> None:
        """Do what was asked for since the last look."""
        walk = self._walk
        wish = self._interrupts.take()
        if wish is Interrupt.END:
            self._do(Command(Verb.QUIT))
        elif wish is Interrupt.CANCEL and Verb.CANCEL in walk.can:
            self._do(Command(Verb.CANCEL))
        elif wish is Interrupt.CANCEL:
            self._skin.say("Ctrl-C once more leaves the walk; every shot is kept")
        for line in self._lines.take():
            if walk.state is State.FINISHED:
                return
            try:
                command = self._skin.command(line, self._names())
            except AgentError as error:
                self._skin.events([Refused(str(error), walk.can)])
                continue
            if command is not None:
                self._do(command)
        if self._lines.at_end and walk.state is not State.FINISHED:
            self._do(Command(Verb.QUIT))

    def _names(self) -> set[str]:
        """Return what points can be called: by name or by room."""
        points = self._stored.plan.points
        return {name for p in points for name in (p.name, p.room) if name}

    def _do(self, command: Command) -> None:
        self._skin.events(self._walk.handle(command, self._clock()))


class RecordedWalk:
    """A walk through a recording: each stop takes what was recorded there.

    It answers the walk itself: begins every shot, keeps what is weak, goes on after
    what is rejected. The times are those of the packets.
    """

    def __init__(self, walk: Walk, skin: Skin, site: RecordedSite) -> None:
        """Bring together what takes part.

        Args:
            walk: To be begun.
            skin: What shows it.
            site: The recording.
        """
        self._walk, self._skin, self._site = walk, skin, site
        self._now = 0.0
        self._place: tuple[str, int] | None = None
        self._packets: Iterator[RawFrames] = iter(())
        self._last_ns = 0

    def run(self) -> None:
        """Walk to the end.

        Raises:
            CaptureError: A capture cannot be read.
            WalkError: A shot cannot be stored; those before it are kept.
        """
        self._show(self._walk.begin(self._now))
        while self._walk.state is not State.FINISHED:
            stop = self._walk.stop
            if stop is None:
                self._do(Verb.FINISH)
            elif (stop.point.name, stop.lap) in self._site.captures:
                self._take(stop)
            else:
                self._do(Verb.SKIP)

    def _take(self, stop: Stop) -> None:
        place = (stop.point.name, stop.lap)
        if place != self._place:
            self._place, self._packets = place, self._site.packets(*place)
            self._last_ns = 0
        self._do(Verb.SHOOT)
        for raw in self._packets:
            self._now += self._since_last_s(raw)
            self._show(self._walk.feed(raw, self._now))
            if self._walk.state is not State.SHOOTING:
                break
        while self._walk.state is State.SHOOTING:
            self._now += _TICK_S
            self._show(self._walk.tick(self._now))
        if self._walk.state is State.JUDGING:
            self._do(Verb.KEEP if Verb.KEEP in self._walk.can else Verb.SKIP)

    def _since_last_s(self, raw: RawFrames) -> float:
        """Return how long after the last packets of this place these came [s]."""
        newest_ns = int(raw.time_ns[-1]) if len(raw) else 0
        before_ns, self._last_ns = self._last_ns or newest_ns, newest_ns
        return max(0.0, (newest_ns - before_ns) / 1e9)

    def _do(self, verb: Verb) -> None:
        self._show(self._walk.handle(Command(verb), self._now))

    def _show(self, events: list[Event]) -> None:
        self._skin.events(events)
        for event in events:
            if isinstance(event, Fault):
                raise WalkError(event.text)
