"""What must hold of every split, and of every locator; tested, not promised."""

import hashlib
from collections.abc import Collection, Sequence

import numpy as np

from trainer.benchmark.errors import LeakageError
from trainer.methods.contract import Locator
from trainer.surveys.environment import Environment, Floats, Integers, Signals


def check_split(
    target: Environment,
    history: Sequence[Environment],
    shots: Integers,
    queries: Integers,
    *,
    ties: bool = False,
) -> None:
    """Make sure that neither past nor shots hold what will be asked.

    Args:
        target: The environment to be located in.
        history: What is learnt from.
        shots: Rows of the target that are labelled.
        queries: Rows of the target to be located.
        ties: Whether history may be of the target's own order.

    Raises:
        LeakageError: History is the target or not earlier; a sample is shot and query;
            a query is of a shot's point and not later, in a later visit or the same.
    """
    _check_history(target, history, ties=ties)
    for name, rows in (("shots", shots), ("queries", queries)):
        if (np.diff(rows) <= 0).any():
            raise LeakageError(f"{target.name}: {name} are not in order of time")
    if both := np.intersect1d(shots, queries).tolist():
        raise LeakageError(f"{target.name}: sample {both[0]} is shot and query")
    if target.is_test[shots].any():
        raise LeakageError(f"{target.name}: a shot is at a point for testing")
    for point in np.intersect1d(target.point_of[shots], target.point_of[queries]):
        of_shots = shots[target.point_of[shots] == point]
        of_queries = queries[target.point_of[queries] == point]
        last, first = target.visit_of[of_shots].max(), target.visit_of[of_queries].min()
        if first < last or of_queries.min() < of_shots.max():
            raise LeakageError(
                f"{target.name}: point {point} is queried in visit {first}, before the "
                f"last shot in visit {last}; visits must grow with time"
            )


def check_images(known: Collection[bytes], queries: Signals) -> None:
    """Make sure that no image to be located has been seen before.

    RSS fingerprints are not checked: a few integers may well be the same twice.

    Args:
        known: `image_digests` of history and shots.
        queries: What is to be located.

    Raises:
        LeakageError: An image is in both.
    """
    n_seen = sum(digest in known for digest in image_digests(queries))
    if n_seen:
        raise LeakageError(
            f"{n_seen} images to be located are in history or shots, too"
        )


def image_digests(signals: Signals) -> list[bytes]:
    """Return a digest of each image; none where there are no images.

    Images in which nothing was heard are alike and tell nothing; they have none.
    """
    images: Floats | None = signals.images
    if images is None:
        return []
    return [
        hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
        for image in images
        if image.any()
    ]


def check_causal(
    locator: Locator, signals: Signals, *, tolerance: float = 1e-9
) -> None:
    """Make sure that no fix depends on later queries.

    The fixes of the first i signals must be the first i fixes, for all i up to three
    and about eight beyond.

    Args:
        locator: To be tested.
        signals: In order of time.
        tolerance: By how much locations [m] and probabilities may differ: sums of
            other shapes are rounded otherwise.

    Raises:
        LeakageError: A fix changed.
    """
    whole = locator.locate(signals)
    n = len(signals)
    for i in sorted(
        {*range(min(n, 3) + 1), *np.linspace(0, n, 8).astype(int).tolist()}
    ):
        part = locator.locate(signals.select(slice(i)))
        pairs = [(part.locations, whole.locations)]
        if part.posterior is not None and whole.posterior is not None:
            pairs.append((part.posterior, whole.posterior))
        for first, all_of_them in pairs:
            if not np.allclose(first, all_of_them[:i], rtol=0.0, atol=tolerance):
                raise LeakageError(
                    f"with {n - i} later queries, the fixes of the first {i} differ"
                )


def _check_history(
    target: Environment, history: Sequence[Environment], *, ties: bool
) -> None:
    for environment in history:
        if environment is target or environment.name == target.name:
            raise LeakageError(f"{target.name} is in its own history")
        if environment.place.name != target.place.name:
            continue
        if environment.order > target.order - (not ties):
            raise LeakageError(
                f"{environment.name} (order {environment.order}) is history of "
                f"{target.name} (order {target.order}), but not earlier"
            )
