"""What ``trainer train-rss`` learns from: captures that are listed, and surveys."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from edge_agent.console import Console
from edge_agent.rss.recording import record_shots
from edge_agent.rss.shots import RssShots
from edge_agent.rss.window import RssSpec
from edge_agent.survey import SurveyedCapture, read_survey
from trainer.errors import TaskError, UsageError
from trainer.models.rss_regression import RssTaskConfig, count_usable
from trainer.rss_channels import as_device_hears
from trainer.surveys.environment import Environment, Place, Signals
from trainer.surveys.registry import load_survey

_MAX_WINDOWS = 64
"""Of one capture."""


def environment_of(shots: RssShots) -> Environment:
    """Return what a device recorded as the laboratory sees it.

    Args:
        shots: Of one place.
    """
    floors = np.array([point.floor for point in shots.points], np.intp)
    place = Place(shots.name, shots.locations, floors, shots.transmitters)
    _, visit_of = np.unique(shots.visit_of, return_inverse=True)
    return Environment(
        shots.name,
        place,
        0,
        Signals(shots.rss),
        shots.point_of,
        visit_of.astype(np.intp),
        np.zeros(len(shots), np.bool_),
        shots.is_simulated,
    )


def read_environments(
    lists: Sequence[Path],
    surveys: Sequence[str],
    data: Path | None,
    spec: RssSpec,
    console: Console,
) -> Iterator[Environment]:
    """Yield what a device would have recorded.

    Args:
        lists: CSV files of surveyed captures.
        surveys: Names of public or simulated surveys.
        data: Folder of the latter.
        spec: How received power is averaged.
        console: Is told what is read.

    Raises:
        UsageError: Neither is named, or surveys without a folder.
        AgentError: A list or a capture cannot be used.
        SurveyDataError: Nor can a survey.
    """
    if not lists and not surveys:
        raise UsageError("nothing to learn from: name a SURVEY.csv or a --survey")
    if surveys and data is None:
        raise UsageError("--survey needs --data, the folder where its data is")
    for path in lists:
        by_name: dict[str, list[SurveyedCapture]] = {}
        for capture in read_survey(path):
            by_name.setdefault(capture.environment, []).append(capture)
        for name, captures in by_name.items():
            console.progress(f"reading {path}: {name}, {len(captures)} captures")
            yield environment_of(
                record_shots(captures, spec, max_per_capture=_MAX_WINDOWS)
            )
    if data is None:
        return
    for name in surveys:
        for environment in load_survey(name, data):
            yield as_device_hears(environment, spec)


def count_points(environments: Sequence[Environment]) -> int:
    """Return how many points have samples."""
    return sum(len(np.unique(environment.point_of)) for environment in environments)


def able_environments(
    environments: list[Environment], task: RssTaskConfig, console: Console
) -> list[Environment]:
    """Return those with points enough for a task.

    Args:
        environments: All of them.
        task: Sizes of a task.
        console: Is told how many are left out.

    Raises:
        TaskError: There is none.
    """
    able = [
        environment
        for environment in environments
        if count_usable(
            environment.select(np.flatnonzero(~environment.is_test)), task.k
        )
        > task.k
    ]
    if not able:
        raise TaskError(
            f"no environment has {task.k + 1} points with two samples of received power"
        )
    if left_out := len(environments) - len(able):
        console.say(
            f"caution: {left_out} of {len(environments)} environments have fewer than "
            f"{task.k + 1} points with two samples, and are left out"
        )
    return able


def digest_of(environments: Sequence[Environment]) -> str:
    """Return the SHA-256 of all that training learns from."""
    digest = hashlib.sha256()
    for environment in environments:
        for array in (
            environment.signals.rss,
            environment.locations,
            environment.point_of,
            environment.visit_of,
            environment.is_test,
        ):
            digest.update(f"{array.shape} {array.dtype.str}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
