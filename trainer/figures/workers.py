"""Units in processes of their own; results do not depend on how many there are.

A process per unit: they take seconds to minutes, each, against two for its start, and
one that is killed takes nothing with it.
"""

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Final

from trainer.errors import TrainerError
from trainer.figures.errors import FigureError
from trainer.figures.store import read_unit, write_unit
from trainer.figures.units import Tell, Unit

_THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_TELL_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Order:
    """One unit of one seed to be computed; crosses into another process."""

    unit: Unit
    seed: int
    path: Path
    """Where it goes."""

    needed: tuple[Path, ...]
    """Where the units that it needs are, in the order of `Unit.needs`."""

    @property
    def title(self) -> str:
        """What people are told that it is."""
        return f"{self.unit.name}, seed {self.seed}"


OnOrder = Callable[[Order], None]
OnTold = Callable[[Order, str], None]


def run_orders(
    orders: Sequence[Order],
    *,
    n_processes: int,
    on_done: OnOrder,
    on_told: OnTold,
    on_started: OnOrder = lambda _order: None,
) -> None:
    """Compute units; what has been stored stays stored, however this ends.

    Those that others need come first, and the others wait until all of them are done.

    Args:
        orders: What is not there yet.
        n_processes: 1 computes here.
        on_done: Called, here, after each unit is stored.
        on_told: Called, here, with what a unit says of where it stands.
        on_started: Called, here, before each unit.

    Raises:
        TrainerError: A unit cannot be computed or stored, or something was asked for
            that does not exist.
        RuntimeError: A unit failed in another process; the message has its traceback.
    """
    first = [order for order in orders if not order.unit.needs]
    for stage in (first, [order for order in orders if order.unit.needs]):
        if n_processes <= 1 or len(stage) <= 1:
            for order in stage:
                on_started(order)
                _compute(order, _seldom(lambda text, o=order: on_told(o, text)))  # type: ignore[misc]
                on_done(order)
        else:
            _run_stage(stage, n_processes, on_done, on_told, on_started)


def _compute(order: Order, tell: Tell) -> None:
    started = time.perf_counter()
    needed = {
        unit.name: read_unit(path).arrays
        for unit, path in zip(order.unit.needs, order.needed, strict=True)
    }
    arrays = order.unit.run(order.seed, needed, tell)
    write_unit(order.path, arrays, time.perf_counter() - started)


@dataclass(frozen=True, slots=True)
class _Message:
    """What a worker says."""

    text: str = ""
    is_done: bool = False
    is_refusal: bool = False
    """The text says what a person can do about it."""


def _run_stage(
    orders: Sequence[Order],
    n_processes: int,
    on_done: OnOrder,
    on_told: OnTold,
    on_started: OnOrder,
) -> None:
    waiting = list(reversed(orders))
    running: dict[Connection, tuple[Order, SpawnProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < n_processes:
                order = waiting.pop()
                on_started(order)
                connection, process = _start(order)
                running[connection] = (order, process)
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                order, process = running[ready]
                if _follow(ready, order, process, on_told):
                    del running[ready]
                    process.join()
                    on_done(order)
    finally:
        for _, process in running.values():
            process.terminate()
            process.join()


def _follow(
    connection: Connection, order: Order, process: SpawnProcess, on_told: OnTold
) -> bool:
    """Take one message; return whether it was the last."""
    try:
        message: _Message = connection.recv()
    except EOFError:
        process.join()
        raise FigureError(
            f"{order.title}: its process ended with code {process.exitcode}, perhaps "
            "for lack of memory: try fewer --jobs; what is done will not be done again"
        ) from None
    if message.is_refusal:
        raise FigureError(f"{order.title}: {message.text}")
    if message.is_done and message.text:
        raise RuntimeError(f"{order.title} failed:\n{message.text}")
    if not message.is_done:
        on_told(order, message.text)
    return message.is_done


def _start(order: Order) -> tuple[Connection, SpawnProcess]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(order, theirs), daemon=True)
    with _single_threaded():
        process.start()
    theirs.close()  # so that its end is noticed
    return ours, process


def _work(order: Order, connection: Connection) -> None:
    """Compute one unit: the whole life of a worker."""
    # Ctrl-C goes to the whole group; the first process ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _compute(order, _seldom(lambda text: connection.send(_Message(text))))
    except TrainerError as error:
        connection.send(_Message(str(error), is_refusal=True))
    except BaseException:
        connection.send(_Message(traceback.format_exc(), is_done=True))
        raise
    else:
        connection.send(_Message(is_done=True))


def use_one_thread() -> None:
    """Let torch use one thread here, as in every worker: sums depend on it.

    Workers are told by their environment: not all of them need torch.
    """
    import torch

    torch.set_num_threads(1)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Let processes that are started meanwhile use one thread each, torch included."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _seldom(tell: Tell) -> Tell:
    """Return the same, less often than thousands of iterations would."""
    said = 0.0

    def perhaps(text: str) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= _TELL_EVERY_S:
            said = now
            tell(text)

    return perhaps
