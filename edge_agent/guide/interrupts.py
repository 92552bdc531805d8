"""Ctrl-C as a wish that is heard between packets: once, this shot; twice, the walk."""

import signal
import time
from collections.abc import Callable
from enum import Enum, auto
from types import FrameType, TracebackType
from typing import Any, Self

_TWICE_S = 2.0
"""Within so long, a second Ctrl-C is no longer about the shot."""


class Interrupt(Enum):
    """What somebody wants who presses Ctrl-C."""

    CANCEL = auto()
    """The shot that is being taken."""

    END = auto()
    """The walk; also what a service manager asks for."""


class Interrupts:
    """Catches Ctrl-C and SIGTERM, while entered: nothing is cut short half way."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without any.

        Args:
            clock: Time [s] that never goes back.
        """
        self._clock = clock
        self._last_s = -_TWICE_S
        self._wish: Interrupt | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def take(self) -> Interrupt | None:
        """Return the newest wish since the last call."""
        wish, self._wish = self._wish, None
        return wish

    def _note(self, number: int, _frame: FrameType | None) -> None:
        now = self._clock()
        is_second = now - self._last_s < _TWICE_S
        self._last_s = now
        if is_second or number == signal.SIGTERM or self._wish is Interrupt.END:
            self._wish = Interrupt.END
        else:
            self._wish = Interrupt.CANCEL
