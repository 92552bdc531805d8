"""What a skin shows: a terminal for people, JSON lines for programs."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edge_agent.preflight.report import Report
from edge_agent.site_learning import Outcome, Talk
from edge_agent.sparse.expectation import Expectation
from edge_agent.walking.commands import Command
from edge_agent.walking.events import Event


@dataclass(frozen=True, slots=True)
class Told:
    """What an outcome means for a person."""

    summary: str
    """What adapting has achieved."""

    unvisited: tuple[str, ...]
    """Rooms, or points without one, that nothing can be located in: no shot ever."""

    undo: str | None
    """The command that returns to the calibration before; None: there is none."""

    then: str
    """The command that comes next."""


class Skin(ABC):
    """One way to show a calibration from the preflight to the verdict."""

    @abstractmethod
    def command(self, line: str, points: Collection[str]) -> Command | None:
        """Return what somebody who sees it wants with a line; None: nothing.

        Args:
            line: As it came.
            points: Names and rooms that the walk knows.

        Raises:
            UsageError, ConfigError: It means nothing now.
        """

    @abstractmethod
    def preflight(self, report: Report) -> None:
        """Show what was found before walking."""

    @abstractmethod
    def expected(self, expectations: Sequence[Expectation]) -> None:
        """Show what error to expect of some numbers of points.

        Args:
            expectations: Ascending by points; none where nothing is known.
        """

    @abstractmethod
    def events(self, events: Sequence[Event]) -> None:
        """Show what happened on the walk at one time."""

    @abstractmethod
    def say(self, sentence: str) -> None:
        """Show a sentence that is no event of the walk."""

    @abstractmethod
    def reading(self, done: int, total: int) -> None:
        """Show that shots are being read.

        Args:
            done: Captures read so far.
            total: All of them.
        """

    @abstractmethod
    def stage(self, what: str) -> None:
        """Show what is done next while somebody waits."""

    @abstractmethod
    def step(self, number: int, loss: float) -> None:
        """Show how far adapting is.

        Args:
            number: Gradient steps done.
            loss: After them.
        """

    @abstractmethod
    def caution(self, sentence: str) -> None:
        """Show what is not as it should be."""

    @abstractmethod
    def outcome(self, outcome: Outcome, told: Told) -> None:
        """Show what came of it all.

        Args:
            outcome: Of learning the site.
            told: What a person wants to know beside it.
        """

    @abstractmethod
    def undone(self, name: str) -> None:
        """Show that an earlier calibration is in use again.

        Args:
            name: Its own.
        """

    @property
    def talk(self) -> Talk:
        """What learning a site is given to tell of itself."""
        return Talk(self.stage, self.step, self.caution)
