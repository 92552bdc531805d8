"""Ctrl-C that lets long work finish its step and keep what it has."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_interrupt(on_request: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether to stop, from the first Ctrl-C on.

    The second one interrupts at once, as it would outside. SIGTERM counts as well: it
    is how a computer that shuts down asks. Use from the main thread.

    Args:
        on_request: Called once, in the handler: say that the work is about to stop.
    """
    requested = False
    kept = {
        number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
    }

    def request(_number: int, _frame: FrameType | None) -> None:
        nonlocal requested
        requested = True
        restore()
        on_request()

    def restore() -> None:
        for number, handler in kept.items():
            signal.signal(number, handler)

    for number in kept:
        signal.signal(number, request)
    try:
        yield lambda: requested
    finally:
        restore()
