"""Processes that share the work of one command, and end with it however it ends."""

import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from signal import SIG_BLOCK, SIG_SETMASK, SIGINT, pthread_sigmask
from typing import TypeVar

from trainer.errors import TrainerError

Task = TypeVar("Task")
Result = TypeVar("Result")


class WorkerLostError(TrainerError):
    """A process that did a part of the work is gone."""


def work_off(
    do: Callable[[Task], Result], tasks: Iterable[Task], *, jobs: int
) -> Generator[Result, None, None]:
    """Yield what becomes of each task as soon as it is done, in any order.

    Whoever stops before the end closes it, and so the processes.

    Args:
        do: What is to be done; it goes to other processes, as tasks and results do.
        tasks: What with.
        jobs: Processes at most; never more than there are processors. With 1 it is
            done here, in order.

    Raises:
        WorkerLostError: A process was killed.
        Exception: Whatever ``do`` raises.
    """
    jobs = min(jobs, os.cpu_count() or 1)
    if jobs == 1:
        yield from map(do, tasks)
        return
    context = get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, initializer=_end_with_parent)
    try:
        with _interrupts_held_back():
            futures: list[Future[Result]] = [pool.submit(do, task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise WorkerLostError(
            "one of the processes that share the work was killed, most often because "
            "memory ran out: have fewer --jobs"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Hold Ctrl-C back; processes that are started meanwhile never get it.

    It goes to all of them at once, and is for the one that hands out the work.
    """
    before = pthread_sigmask(SIG_BLOCK, {SIGINT})
    try:
        yield
    finally:
        pthread_sigmask(SIG_SETMASK, before)


def _end_with_parent() -> None:
    """End this process as soon as the one that started it is gone, killed or not.

    It would wait for work for ever: it holds both ends of the pipe that work comes by.
    """
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
