"""Where `benchmarks/estimators.py` compares: simulated places, and recorded ones."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment
from edge_agent.recording import record_environment
from edge_agent.survey import SurveyedCapture, read_survey
from trainer.cli import main as trainer
from trainer.neighbours.replays import N_SHOTS, Replay
from trainer.simulate.survey import SurveyPlan, simulate_survey
from trainer.surveys import polyu
from trainer.surveys.compact import read_compact
from trainer.surveys.csu import csu_captures
from trainer.surveys.device_images import device_environment
from trainer.surveys.registry import survey_card
from trainer.surveys.report import Skips


def rooms(folder: Path, n_rooms: int, seed: int) -> list[Environment]:
    """Simulate rooms, and read them as the trainer does."""
    plan = SurveyPlan(n_rooms=n_rooms)
    return environments(simulate_survey(folder, plan, seed=seed))


def scene(name: str, folder: Path, size: str) -> list[Environment]:
    """Simulate the days of a hall or a laboratory, and read them as the trainer does.

    Args:
        name: Of the scene, as ``trainer simulate`` calls it.
        folder: Where its captures are written.
        size: Flags of that command.
    """
    # It says where it wrote, which is nobody's business between the lines of a table.
    with redirect_stdout(StringIO()):
        trainer(["simulate", name, str(folder), *size.split()])
    return environments(folder / "survey.csv")


def environments(survey: Path) -> list[Environment]:
    """Return the environments of a survey of captures."""
    by_name: dict[str, list[SurveyedCapture]] = {}
    for capture in read_survey(survey):
        by_name.setdefault(capture.environment, []).append(capture)
    return [record_environment(part, ImageSpec()) for part in by_name.values()]


def polyu_days(path: Path) -> list[Environment]:
    """Return PolyU's days as the device would have seen them, as far as they allow.

    Recorded by an Intel 5300; the groups of the lower 20 MHz become 52 tones by
    interpolation, and the level is the one restored from RSSI and gain.
    """
    found = polyu.from_compact(path, read_compact(path), Skips())
    n_lowest = survey_card("polyu").n_lowest_tones
    return [device_environment(day, ImageSpec(), n_lowest=n_lowest) for day in found]


def csu_corridor(root: Path) -> Replay:
    """Return EPIC-CSU's corridor: real frames of a bcm43455c0, without RSSI.

    Queries are at other points than the shots, close by.
    """
    reference, test = csu_captures(root, "ref"), csu_captures(root, "test")
    spec = ImageSpec()
    shots = record_environment(reference, spec, max_images_per_capture=N_SHOTS)
    queries = record_environment(test, spec, channels=shots.channels)
    return Replay(shots.take_shots(N_SHOTS), queries)
