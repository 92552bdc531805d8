"""Ray-traced rooms as places: the signal strengths that come with the package."""

import numpy as np

from trainer.benchmark.digest import describe, digest_of_text
from trainer.figures.radio import GridPlace
from trainer.simulate.raytrace.errors import TableError
from trainer.simulate.raytrace.tables import read_tables


def traced_place(name: str, noise_db: float) -> GridPlace:
    """Return a traced room.

    Args:
        name: ``S1`` to ``S6``.
        noise_db: Of every measurement: a ray tracer has none.

    Raises:
        TableError: Signal strengths cannot be read.
    """
    table = read_tables()[name]
    return GridPlace(
        table.receivers[:, :2].astype(np.float64),
        table.rss_dbm.astype(np.float64),
        noise_db,
    )


def traced_digest() -> str:
    """Return what changes when the signal strengths do; empty without any."""
    try:
        tables = read_tables()
    except TableError:
        return ""
    return digest_of_text(*(describe(table, set()) for table in tables.values()))


def why_missing() -> str:
    """Return what is to be done for signal strengths; empty where they are there."""
    try:
        read_tables()
    except TableError as error:
        return (
            f"{error}. Signal strengths of S1 to S6 come with the package; they are "
            "traced anew with: trainer raytrace --help"
        )
    return ""
