"""All surveys by name: where their data is found, and how it is read.

Below a folder of data, each survey is looked for as a compact copy
(``data/surveys/<file>.npz`` or ``data/<file>.npz``) and in its original format
(``data/raw/<folder>`` or ``data/<folder>``). The compact copy is taken where both are
there, because people keep a few original files at hand as samples; ``<name>:raw`` and
``<name>:compact`` ask for one of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.surveys import (
    crisloc,
    csu_segments,
    csuhet,
    fingerprint_sets,
    mtloc,
    polyu,
    sod,
    umdsi,
)
from trainer.surveys.compact import Arrays, read_compact
from trainer.surveys.environment import Environment
from trainer.surveys.report import Skips, SurveyDataError, SurveyReport

ReadCompact = Callable[[Path, Arrays, Skips], list[Environment]]
ReadOriginal = Callable[[Path, Skips], list[Environment]]


@dataclass(frozen=True, slots=True)
class _Loader:
    """How a survey is found and read."""

    file: str | None
    """Name of the compact copy."""

    compact: ReadCompact | None

    folders: tuple[str, ...]
    """Names that the folder of the originals may have; of a clone, for instance."""

    original: ReadOriginal | None


def _sets(form: fingerprint_sets.SetFormat) -> ReadCompact:
    return lambda source, arrays, skips: fingerprint_sets.from_compact(
        form, source, arrays, skips
    )


def _loaders() -> dict[str, _Loader]:
    return {
        "polyu": _Loader("polyu_csi.npz", polyu.from_compact, (), None),
        "crisloc": _Loader("crisloc_csi.npz", crisloc.from_compact, (), None),
        "csu": _Loader("csu_csi.npz", csu_segments.from_compact, (), None),
        "mtloc": _Loader("mtloc_office_rss.npz", mtloc.from_compact, (), None),
        "umdsi": _Loader("umdsi_rss.npz", umdsi.from_compact, (), None),
        "uji": _Loader("uji_lib_rss.npz", _sets(fingerprint_sets.UJI), (), None),
        "ncepu": _Loader("ncepu_rss.npz", _sets(fingerprint_sets.NCEPU), (), None),
        "csuhet": _Loader("csuhet_rss.npz", csuhet.from_compact, (), None),
        "sod": _Loader("sod_rss.npz", sod.from_compact, (), None),
    }


def survey_names() -> tuple[str, ...]:
    """Return the names of all surveys."""
    return tuple(_loaders())


def load_survey(name: str, data: Path) -> list[Environment]:
    """Return a survey's environments, sorted by place, order and name.

    Args:
        name: One of `survey_names`, perhaps with ``:raw`` or ``:compact``.
        data: Folder of data, see the module.

    Raises:
        SurveyDataError: No such survey, nothing found, or the data is not sound.
    """
    return load_survey_with_report(name, data)[0]


def load_survey_with_report(
    name: str, data: Path
) -> tuple[list[Environment], SurveyReport]:
    """Return a survey's environments, and what was left out.

    Args:
        name: One of `survey_names`, perhaps with ``:raw`` or ``:compact``.
        data: Folder of data, see the module.

    Raises:
        SurveyDataError: No such survey, nothing found, or the data is not sound.
    """
    survey, _, choice = name.partition(":")
    loader = _loaders().get(survey)
    if loader is None or choice not in ("", "raw", "compact"):
        raise SurveyDataError(
            f"{name!r} is no survey; there are {', '.join(survey_names())}, each "
            "perhaps with :raw (original files) or :compact"
        )
    skips = Skips()
    if choice != "raw" and loader.file and loader.compact:
        path = _first_file([data / "surveys" / loader.file, data / loader.file])
        if path is not None:
            environments = loader.compact(path, read_compact(path), skips)
            return _sorted(environments), SurveyReport(survey, path, True, skips.counts)
    if choice != "compact" and loader.original:
        for folder in loader.folders:
            for root in (data / "raw" / folder, data / folder):
                if root.is_dir():
                    environments = loader.original(root, skips)
                    return _sorted(environments), SurveyReport(
                        survey, root, False, skips.counts
                    )
    raise SurveyDataError(f"found no data of {name} below {data}")


def _first_file(paths: Sequence[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def _sorted(environments: list[Environment]) -> list[Environment]:
    return sorted(environments, key=lambda e: (e.place.name, e.order, e.name))
