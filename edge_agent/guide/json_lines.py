"""A calibration as JSON: one object a line, out on standard output.

The walk's own lines are those of `edge_agent.walking.events`; around them:

    {"event": "preflight", "passed": true, "access_points": [..], ..}
    {"event": "expected", "sizes": [{"points": 5, "error_m": 1.48, ..}, ..]}
    {"event": "stage", "text": "checking: each lap from the others"}
    {"event": "step", "step": 3, "loss": 0.41}
    {"event": "caution", "text": ".."}
    {"event": "said", "text": ".."}
    {"event": "outcome", "calibration": "..", "active": true, "check": {..}, ..}
    {"event": "undone", "calibration": ".."}
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from edge_agent.console import Console
from edge_agent.guide.skin import Skin, Told
from edge_agent.preflight.report import Report
from edge_agent.site_learning import Outcome
from edge_agent.sparse.expectation import Expectation
from edge_agent.walking.commands import Command, parse_command
from edge_agent.walking.events import Event


class JsonLines(Skin):
    """For a page, a phone or a script that drives the same walk."""

    def __init__(self, console: Console) -> None:
        """Write it there.

        Args:
            console: Its results are the lines.
        """
        self._console = console

    def command(self, line: str, points: Collection[str]) -> Command | None:
        """See `Skin`."""
        return parse_command(line) if line.strip() else None

    def preflight(self, report: Report) -> None:
        """See `Skin`."""
        self._write("preflight", report.to_json())

    def expected(self, expectations: Sequence[Expectation]) -> None:
        """See `Skin`."""
        self._write("expected", {"sizes": [_expectation(one) for one in expectations]})

    def events(self, events: Sequence[Event]) -> None:
        """See `Skin`."""
        for event in events:
            self._console.result(json.dumps(event.to_json(), ensure_ascii=False))

    def say(self, sentence: str) -> None:
        """See `Skin`."""
        self._write("said", {"text": sentence})

    def reading(self, done: int, total: int) -> None:
        """See `Skin`."""
        self._write("reading", {"done": done, "shots": total})

    def stage(self, what: str) -> None:
        """See `Skin`."""
        self._write("stage", {"text": what})

    def step(self, number: int, loss: float) -> None:
        """See `Skin`."""
        self._write("step", {"step": number, "loss": round(loss, 4)})

    def caution(self, sentence: str) -> None:
        """See `Skin`."""
        self._write("caution", {"text": sentence})

    def outcome(self, outcome: Outcome, told: Told) -> None:
        """See `Skin`."""
        self._write(
            "outcome",
            {
                "calibration": outcome.name,
                "active": outcome.is_active,
                "before": outcome.before,
                "why": outcome.why,
                "summary": told.summary,
                "losses": [round(loss, 4) for loss in outcome.calibration.losses],
                "simulated": outcome.calibration.is_simulated,
                "check": None if outcome.check is None else outcome.check.to_json(),
                "expected": (
                    None if outcome.prospect is None else outcome.prospect.to_json()
                ),
                "unvisited": list(told.unvisited),
                "undo": told.undo,
                "next": told.then,
            },
        )

    def undone(self, name: str) -> None:
        """See `Skin`."""
        self._write("undone", {"calibration": name})

    def _write(self, kind: str, members: dict[str, Any]) -> None:
        document = {"event": kind, **members}
        self._console.result(json.dumps(document, ensure_ascii=False))


def _expectation(one: Expectation) -> dict[str, Any]:
    return {
        "points": one.n_points,
        "error_m": None if one.error_m is None else round(one.error_m, 3),
        "wrong": round(one.wrong, 4),
        "low": round(one.low, 3),
        "high": round(one.high, 3),
        "replays": one.n_replays,
    }
