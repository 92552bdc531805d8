"""A calibration on a terminal: what to do, how it goes, and what came of it."""

import shutil
import textwrap
from collections.abc import Collection, Sequence

from edge_agent.console import Console
from edge_agent.guide.outcome_lines import COMMANDS, outcome_lines
from edge_agent.guide.skin import Skin, Told
from edge_agent.guide.terminal_words import all_answers, answers, command_of
from edge_agent.guide.typed_point import FORMS
from edge_agent.preflight.report import AccessPoint, Report
from edge_agent.site_learning import Outcome
from edge_agent.sparse.expectation import Expectation
from edge_agent.walking.commands import Command, Verb
from edge_agent.walking.events import (
    Asking,
    Begun,
    Ended,
    Event,
    Fault,
    Refused,
    Status,
)
from edge_agent.walking.plan import WHY_LAPS, Stop
from edge_agent.walking.reading import Reading
from edge_agent.walking.shot_events import Discarded, Judged, Progress, Shooting, Stored
from edge_agent.walking.verdict import Grade

_LABEL = 12
_BAR = 16
_MAX_RATES = 4
_SILENT_S = 2.0
_WIDEST = 100
"""Characters of a line that are read without turning one's head."""

_ROUTINE = (Asking, Shooting, Progress)
"""Events that matter only to who stands there."""


class Terminal(Skin):
    """Talk on standard error, what came of it on standard output."""

    def __init__(self, console: Console, *, is_asking: bool = True) -> None:
        """Show it there.

        Args:
            console: Where.
            is_asking: Whether somebody answers; a recording is walked through without
                questions, and only what is not good is told of its shots.
        """
        self._console, self._is_asking = console, is_asking
        self._can: tuple[Verb, ...] = ()
        self._is_typed = False
        self._n_open = 0
        """Shots of the plan that are not taken, when last asked."""
        self._is_ending = False
        """Whether the walk ends if that is said again."""
        self._question: str | None = None
        """What somebody is asked just now."""

    def command(self, line: str, points: Collection[str]) -> Command | None:
        """See `Skin`."""
        was_ending, self._is_ending = self._is_ending, False
        command = command_of(line, self._can, points, is_typed=self._is_typed)
        is_early = command.verb is Verb.FINISH and self._n_open > 0
        if not is_early or was_ending:
            return command
        self._is_ending = True
        self.say(
            f"{self._n_open} shots of the plan are not taken. f once more ends the "
            "walk without them; anything else goes on"
        )
        return None

    def preflight(self, report: Report) -> None:
        """See `Skin`."""
        heard = _heard(report.access_points)
        channel = f"channel {report.tuned_to}" * bool(report.tuned_to)
        rates = ", ".join(
            f"{_short(one.mac)} {one.frames_per_s:.0f}/s"
            for one in report.access_points[:_MAX_RATES]
        )
        facts = ", ".join(filter(None, (channel, heard, rates)))
        self._line("Preflight", f"{facts}  OK".strip() if report.passed else facts)
        for finding in (*report.stops, *report.cautions):
            self._line("", f"{finding.severity.upper()}: {finding.sentence}")

    def expected(self, expectations: Sequence[Expectation]) -> None:
        """See `Skin`."""
        for number, one in enumerate(expectations):
            self._line("" if number else "Expected", _expected(one))
        if expectations and expectations[0].n_replays == 0:
            self._line("", "(a guess: no walk of the past has one before it)")

    def events(self, events: Sequence[Event]) -> None:
        """See `Skin`."""
        question = None
        if events:
            self._question = None
        for event in events:
            self._show(event)
            if isinstance(event, Asking | Judged | Fault | Refused | Status):
                self._can = event.can
                is_empty = isinstance(event, Asking) and event.n_shots == 0
                question = "" if is_empty else answers(event.can)
            elif isinstance(event, Shooting | Ended):
                question = None
        if question is not None and self._is_asking:
            self._question = f"{'':<{_LABEL}}{question} > ".replace("  > ", "> ")
            self._console.ask(self._question)

    def _show(self, event: Event) -> None:
        if not self._is_asking and isinstance(event, _ROUTINE):
            return
        match event:
            case Begun():
                self._begun(event)
            case Asking():
                self._asking(event)
            case Shooting():
                self._line("", f"Hold still, at most {event.limit_s:.0f} s")
            case Progress():
                self._console.progress(" " * _LABEL + _progress(event))
            case Judged():
                self._judged(event)
            case Stored():
                self._stored(event)
            case Discarded():
                self._line("", f"{event.why}: {_where(event.stop)}")
            case Fault() | Refused():
                self._line("", event.text)
            case Status():
                self._status(event)
            case Ended():
                self._ended(event)

    def say(self, sentence: str) -> None:
        """See `Skin`."""
        if self._question is not None:
            self._console.say("")
        self._line("", sentence)
        if self._question is not None:
            self._console.ask(self._question)

    def reading(self, done: int, total: int) -> None:
        """See `Skin`."""
        self._console.progress(f"{'Adapting':<{_LABEL}}reading shot {done}/{total}")

    def stage(self, what: str) -> None:
        """See `Skin`."""
        self._console.progress(f"{'':<{_LABEL}}{what}")

    def step(self, number: int, loss: float) -> None:
        """See `Skin`."""
        self._console.progress(f"{'Adapting':<{_LABEL}}step {number}: loss {loss:.3f}")

    def caution(self, sentence: str) -> None:
        """See `Skin`."""
        self._line("", f"caution: {sentence}")

    def outcome(self, outcome: Outcome, told: Told) -> None:
        """See `Skin`."""
        for label, text in outcome_lines(outcome, told):
            # What is to be pasted stays whole.
            whole = [f"{label:<{_LABEL}}{text}"]
            is_command = text.startswith(COMMANDS)
            for line in whole if is_command else _wrapped(label, text):
                self._console.result(line)

    def undone(self, name: str) -> None:
        """See `Skin`."""
        self._console.result(f"calibration {name} is in use again")

    def _begun(self, event: Begun) -> None:
        self._is_typed = event.is_typed
        points = f"{event.n_points} points" if event.n_points else "points as you go"
        points += " and outside" * event.with_outside
        laps = f"{event.laps} laps" if event.laps > 1 else "1 lap"
        length = (
            _duration(event.expected_s) if event.n_points else "as long as you walk"
        )
        if event.n_done:
            self._line(
                "Walk", f"going on: {event.n_done} of {event.n_shots} shots are there"
            )
            self._line("", f"what is left takes {length}")
        else:
            each = f" of {event.shots_per_stop} shots" * (event.shots_per_stop > 1)
            self._line("Walk", f"{points}, {laps}{each}: {length}")
        if event.why is not None and not event.n_done:
            self._line("", f"Why {laps}: {event.why}.")
        elif not event.n_done:
            self._line("", f"One lap is quicker and worth less: {WHY_LAPS}.")
        for caution in event.cautions:
            self.caution(caution)

    def _asking(self, event: Asking) -> None:
        self._is_typed = Verb.DONE in event.can
        self._n_open = event.n_shots - event.n_done
        label = f"Shot {event.n_done + 1}/{event.n_shots}" if event.stop else "Next"
        if self._is_typed and event.stop is None:
            self._line(label, f"Type where you are:  {FORMS}")
            label = ""
        self._line(label, event.text)

    def _stored(self, event: Stored) -> None:
        if self._is_asking:
            self._line("", f"stored, {event.n_done} of {event.n_shots}")
        else:
            shot = f"shot {event.n_done}/{event.n_shots}, {_where(event.stop)}"
            self._console.progress(" " * _LABEL + shot)

    def _judged(self, event: Judged) -> None:
        verdict = event.verdict
        if not self._is_asking and verdict.grade is Grade.GOOD:
            return
        where = "" if self._is_asking else f"{_where(event.stop)} "
        self._line("", f"{where}{verdict.grade}: {verdict.text}")
        if verdict.action and self._is_asking:
            self._line("", f"{verdict.action[0].upper()}{verdict.action[1:]}.")

    def _status(self, event: Status) -> None:
        left = ", ".join(dict.fromkeys(_where(stop) for stop in event.left))
        self._line("", f"{len(event.done)} shots are stored; left: {left or 'none'}")
        self._line("", f"You can answer {all_answers(event.can)}, or name a point")

    def _ended(self, event: Ended) -> None:
        shots = f"{event.n_done} of {event.n_shots} shots"
        if event.is_finished:
            self._line("Walk", f"done: {shots} are stored")
        else:
            self._line(
                "Walk", f"left; {shots} are stored, and the same command goes on"
            )

    def _line(self, label: str, text: str) -> None:
        for line in _wrapped(label, text):
            self._console.say(line)


def _wrapped(label: str, text: str) -> list[str]:
    """Return a text beside its label, on as many lines as it takes."""
    return textwrap.wrap(
        text,
        min(shutil.get_terminal_size().columns, _WIDEST),
        initial_indent=f"{label:<{_LABEL}}",
        subsequent_indent=" " * _LABEL,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [label]


def _heard(access_points: Sequence[AccessPoint]) -> str:
    """Return how many there are, and on how many antennas, if on more than one."""
    n = len(access_points)
    if n == 0:
        return ""
    text = f"{n} access point{'s' if n > 1 else ''}"
    n_antennas = max(one.n_antennas for one in access_points)
    return f"{text} on {n_antennas} antennas" if n_antennas > 1 else text


def _expected(one: Expectation) -> str:
    """Return what to expect of so many points."""
    points = f"{one.n_points:3d} point{'s' if one.n_points > 1 else ' '}"
    if one.error_m is not None:
        return f"{points}  error {one.error_m:.2f} m, {one.low:.2f} to {one.high:.2f} m"
    return f"{points}  {one.wrong:.0%} wrong, {one.low:.0%} to {one.high:.0%}"


def _progress(event: Progress) -> str:
    done = round(event.share * _BAR)
    bar = "#" * done + "-" * (_BAR - done)
    steady = ""
    if event.steadiness is not None:
        steady = f"  steadiness {event.steadiness:.2f}"
    rates = "  ".join(_rate(one) for one in event.readings[:_MAX_RATES])
    n_frames = sum(one.n_frames for one in event.readings)
    return f"{bar} {event.elapsed_s:4.1f} s {n_frames:4d} frames{steady}  {rates}"


def _rate(reading: Reading) -> str:
    if reading.silent_s > _SILENT_S:
        return f"{_short(reading.mac)} silent {reading.silent_s:.0f} s"
    return f"{_short(reading.mac)} {reading.per_s:.0f}/s"


def _short(mac: str) -> str:
    """Return the end of an address, which tells one's own access points apart."""
    return mac[-5:]


def _where(stop: Stop) -> str:
    return f"{stop.point.name} in lap {stop.lap}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"about {minutes} min {rest:02d} s" if minutes else f"about {rest} s"
