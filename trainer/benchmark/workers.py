"""Jobs in processes of their own; results do not depend on how many there are."""

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Final

from trainer.benchmark.errors import BenchmarkError
from trainer.benchmark.jobs import OnUnit, run_job
from trainer.benchmark.plan import Job, Survey
from trainer.benchmark.protocol import Protocol, Role
from trainer.benchmark.store import UnitStore
from trainer.errors import TrainerError
from trainer.methods.contract import Method
from trainer.surveys.environment import Environment

_POLL_S: Final = 0.5
_THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

LoadSurvey = Callable[[str, Path], list[Environment]]
MakeMethods = Callable[[], Mapping[str, Method]]


@dataclass(frozen=True, slots=True)
class Bench:
    """Where surveys, methods and results are; crosses into other processes."""

    data: Path
    out: Path
    protocols: tuple[Protocol, ...]
    role: Role
    load: LoadSurvey
    """A function of a module, so that it can be pickled."""

    make_methods: MakeMethods
    """The same, or a partial of one."""

    def survey(self, name: str) -> Survey:
        """Load a survey.

        Raises:
            TrainerError: It cannot be read, or its protocol does not fit.
        """
        protocol = next(p for p in self.protocols if p.survey == name)
        return Survey(protocol, self.load(name, self.data), self.role)

    @property
    def store(self) -> UnitStore:
        """Where units go."""
        return UnitStore(self.out / "units")


def run_jobs(
    bench: Bench,
    jobs: Sequence[Job],
    *,
    n_processes: int,
    on_unit: OnUnit,
    survey: Survey | None = None,
) -> None:
    """Run jobs; what has been stored stays stored, however this ends.

    Args:
        bench: What they are run on.
        jobs: In any order; those of one survey best together.
        n_processes: 1 runs them here.
        on_unit: Called, here, after each unit.
        survey: Of all the jobs, if it is loaded already; used here only.

    Raises:
        TrainerError: A survey cannot be read, or the results cannot be written.
        RuntimeError: A method failed in another process; the message has its traceback.
    """
    if not jobs:
        return
    if n_processes <= 1:
        _run_here(bench, jobs, on_unit, survey)
        return
    context = multiprocessing.get_context("spawn")
    waiting: Queue[Job | None] = context.Queue()
    reports: Queue[_Report] = context.Queue()
    for job in [*jobs, *[None] * n_processes]:
        waiting.put(job)
    processes = _start(context, n_processes, (bench, waiting, reports))
    try:
        _follow(processes, reports, on_unit)
    finally:
        for process in processes:
            process.terminate()
            process.join()


@dataclass(frozen=True, slots=True)
class _Report:
    """What a worker has to say: a unit done, a failure, or that it has finished."""

    is_end: bool = False
    failure: str = ""
    is_bug: bool = False


def _run_here(
    bench: Bench, jobs: Iterable[Job], on_unit: OnUnit, survey: Survey | None
) -> None:
    store, methods = bench.store, bench.make_methods()
    for job in jobs:
        if survey is None or survey.protocol.survey != job.survey:
            survey = bench.survey(job.survey)
        run_job(job, survey, methods[job.method], store, on_unit)


def _start(
    context: SpawnContext, n: int, arguments: tuple[object, ...]
) -> list[SpawnProcess]:
    """Start workers with one thread each: they are as many as there are cores."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        processes = [
            context.Process(target=_work, args=arguments, daemon=True) for _ in range(n)
        ]
        for process in processes:
            process.start()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return processes


def _work(
    bench: Bench, waiting: "Queue[Job | None]", reports: "Queue[_Report]"
) -> None:
    """Run jobs until there is none left: the whole life of a worker."""
    # Ctrl-C goes to the whole group; the first process ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _run_here(bench, iter(waiting.get, None), lambda: reports.put(_Report()), None)
    except TrainerError as error:
        reports.put(_Report(failure=str(error)))
    except BaseException:
        reports.put(_Report(failure=traceback.format_exc(), is_bug=True))
        raise
    else:
        reports.put(_Report(is_end=True))


def _follow(
    processes: Sequence[SpawnProcess], reports: "Queue[_Report]", on_unit: OnUnit
) -> None:
    """Count reports until every worker has finished."""
    n_running = len(processes)
    while n_running:
        try:
            report = reports.get(timeout=_POLL_S)
        except Empty:
            _check_alive(processes)
            continue
        if report.failure and report.is_bug:
            raise RuntimeError(f"a worker failed:\n{report.failure}")
        if report.failure:
            raise BenchmarkError(report.failure)
        if report.is_end:
            n_running -= 1
        else:
            on_unit()


def _check_alive(processes: Sequence[SpawnProcess]) -> None:
    """Notice a worker that could not even say why, killed for its memory perhaps."""
    for process in processes:
        if process.exitcode not in (None, 0):
            raise BenchmarkError(
                f"a worker ended with code {process.exitcode}, perhaps for lack of "
                "memory: try fewer --jobs; what is done will not be done again"
            )
