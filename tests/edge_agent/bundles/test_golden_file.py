"""golden.npz: what is written is read, and nothing else."""

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays, unpack_arrays
from edge_agent.bundles.golden_file import GoldenFile, Outcome, Task, digest
from edge_agent.errors import BundleError
from edge_agent.learning.network import Architecture, Statistics
from edge_agent.learning.support import Support

ARCHITECTURE = Architecture((2, 7, 9), filters=(3, 4))
SCHEMA = "metaloc.golden/1"


@pytest.fixture
def golden(rng):
    """Made up: whether it is right is of no concern here."""
    n, q, n_points, n_steps = 5, 2, 3, 4
    shapes = ARCHITECTURE.parameter_shapes(n_points)
    return GoldenFile(
        Task(
            Support(
                rng.integers(0, 256, (n, 2, 7, 9), np.uint8),
                rng.random((n, 2)) < 0.5,
                np.array([0, 1, 2, 0, 1]),
                n_points,
                np.array([0.5, 0.5, 1, 0.5, 0]),
            ),
            rng.integers(0, 256, (q, 2, 7, 9), np.uint8),
            rng.random((q, 2)) < 0.5,
            {
                name: rng.normal(size=shapes[name]).astype(np.float32)
                for name in ("head.weight", "head.bias")
            },
            alpha=0.25,
            adapt_alpha=0.01,
            n_steps=n_steps,
        ),
        Outcome(
            1.5,
            [Statistics(rng.normal(size=f), rng.random(f)) for f in (3, 4)],
            {name: rng.normal(size=16) for name in shapes},
            rng.random((q, n_points)),
            rng.random(n_steps + 1),
            rng.random((q, n_points)),
        ),
    )


def edited(golden, *, header=None, **arrays):
    """The file with other entries; None leaves one out."""
    old_header, old = unpack_arrays(golden.to_bytes(), schema=SCHEMA, max_bytes=1 << 20)
    new = old | {name.replace("__", "."): value for name, value in arrays.items()}
    return pack_arrays(
        old_header | (header or {}), {k: v for k, v in new.items() if v is not None}
    )


def flat(golden):
    """Everything in the file, by where it stands."""
    task, expected = golden.task, golden.expected
    values = {
        name: getattr(task.shots, name)
        for name in ("images", "heard", "points", "weights", "n_points")
    }
    values |= task.head | {f"after.{k}": v for k, v in expected.after.items()}
    for layer, statistics in enumerate(expected.statistics):
        values |= {f"mean{layer}": statistics.mean, f"var{layer}": statistics.variance}
    for name in ("query_images", "query_heard", "alpha", "adapt_alpha", "n_steps"):
        values[name] = getattr(task, name)
    for name in ("loss", "stepped", "losses", "adapted"):
        values[name] = getattr(expected, name)
    return values


def test_what_is_written_is_read(golden):
    read = GoldenFile.from_bytes(golden.to_bytes(), ARCHITECTURE)

    found, expected = flat(read), flat(golden)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_the_same_contents_are_the_same_bytes(golden):
    data = golden.to_bytes()

    assert GoldenFile.from_bytes(data, ARCHITECTURE).to_bytes() == data


# -- a digest --------------------------------------------------------------------------


def sign(index):
    """Of Fibonacci hashing, in whole numbers without limit."""
    return -1 if index * 0x9E3779B1 % 2**32 >= 2**31 else 1


def test_few_values_are_their_own_digest_apart_from_signs():
    found = digest(np.arange(1.0, 4))

    np.testing.assert_array_equal(found, [1, 2 * sign(1), 3 * sign(2)] + 13 * [0])
    assert {sign(index) for index in range(3)} == {-1, 1}


def test_the_digest_is_of_every_sixteenth_value(rng):
    values = rng.normal(size=(5, 7))

    found = digest(values)

    signed = [v * sign(i) for i, v in enumerate(values.ravel().tolist())]
    n_rows = 3  # 35 values
    expected = [sum(signed[start::16]) / n_rows**0.5 for start in range(16)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_rows_that_add_up_to_zero_do_not_vanish_from_the_digest(rng):
    rows = rng.normal(size=(3, 48))
    rows -= rows.mean(axis=0)

    assert np.abs(digest(rows)).min() > 1e-3


def test_every_value_has_its_part_in_the_digest(rng):
    values = rng.normal(size=(4, 3, 3))
    before = digest(values)

    for index in np.ndindex(values.shape):
        changed = values.copy()
        changed[index] += 1

        assert np.abs(digest(changed) - before).max() == pytest.approx(3**-0.5)


# -- hostile files ---------------------------------------------------------------------


def test_a_file_that_is_no_archive_is_refused():
    with pytest.raises(BundleError, match=r"golden.npz: is damaged or no array file"):
        GoldenFile.from_bytes(b"PK nonsense", ARCHITECTURE)


def test_a_file_of_another_schema_is_refused(golden):
    data = edited(golden, header={"schema": "metaloc.golden/2"})

    with pytest.raises(BundleError, match=r"schema 'metaloc.golden/2', expected"):
        GoldenFile.from_bytes(data, ARCHITECTURE)


def test_a_file_that_claims_too_much_memory_is_refused(golden):
    data = edited(golden, ballast=np.zeros(17 << 20, np.uint8))

    with pytest.raises(BundleError, match=r"bytes of arrays, more than 16777216"):
        GoldenFile.from_bytes(data, ARCHITECTURE)


@pytest.mark.parametrize(
    "name",
    [
        "shots__images",
        "shots__heard",
        "shots__points",
        "shots__weights",
        "queries__images",
        "queries__heard",
        "head__weight",
        "head__bias",
        "expected__loss",
        "expected__mean1",
        "expected__variance0",
        "expected__after__conv1__weight",
        "expected__stepped",
        "expected__losses",
        "expected__adapted",
    ],
)
def test_a_file_that_lacks_something_is_refused(golden, name):
    with pytest.raises(BundleError, match=rf"lacks '{name.replace('__', '.')}'"):
        GoldenFile.from_bytes(edited(golden, **{name: None}), ARCHITECTURE)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"shots__images": np.zeros((5, 2, 7, 8), np.uint8)}, "shots.images is uint8"),
        ({"shots__images": np.zeros((5, 2, 7, 9), np.uint16)}, "not uint8"),
        ({"shots__images": np.zeros((0, 2, 7, 9), np.uint8)}, "0 shots, not 1 to 64"),
        ({"shots__images": np.zeros((65, 1), np.uint8)}, "65 shots, not 1 to 64"),
        ({"shots__heard": np.ones((5, 2))}, r"float64 \(5, 2\), expected b \(5, 2\)"),
        ({"shots__points": np.array([0, 1, 3, 0, 1])}, r"outside 0\.\.2"),
        ({"shots__weights": np.array([-1.0, 1, 1, 1, 1])}, "negative"),
        ({"shots__weights": np.zeros(5)}, "no shots to adapt to"),
        ({"shots__weights": np.full(5, np.nan)}, "weights holds values that are not"),
        ({"queries__images": np.zeros((65, 1), np.uint8)}, "65 queries, not 1 to 64"),
        ({"head__bias": np.zeros(17)}, "17 points, not 1 to 16"),
        ({"head__weight": np.zeros((3, 47))}, r"expected f \(3, 48\)"),
        ({"expected__losses": np.zeros(4)}, r"expected f \(5,\)"),
        ({"expected__loss": np.array(np.inf)}, "expected.loss holds values that are"),
        ({"expected__after__head__bias": np.zeros(15)}, r"expected f \(16,\)"),
        ({"expected__mean0": np.zeros(3, np.complex64)}, "complex64"),
        ({"shots__images": np.array(3)}, "unsized"),
    ],
)
def test_arrays_that_make_no_sense_are_refused(golden, arrays, message):
    with pytest.raises(BundleError, match=message):
        GoldenFile.from_bytes(edited(golden, **arrays), ARCHITECTURE)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"alpha": 0.0}, "alpha is 0.0, not a positive number"),
        ({"alpha": "1"}, "alpha is '1'"),
        ({"adapt_alpha": float("inf")}, "adapt_alpha is inf"),
        ({"adapt_alpha": float("nan")}, "adapt_alpha is nan"),
        ({"n_steps": -1}, "n_steps is -1, not 0 to 100"),
        ({"n_steps": 101}, "n_steps is 101"),
        ({"n_steps": 4.0}, "n_steps is 4.0"),
    ],
)
def test_headers_that_make_no_sense_are_refused(golden, header, message):
    with pytest.raises(BundleError, match=message):
        GoldenFile.from_bytes(edited(golden, header=header), ARCHITECTURE)


def test_the_task_of_another_network_is_refused(golden):
    other = Architecture((2, 7, 9), filters=(3, 5))

    with pytest.raises(BundleError, match=r"head.weight is float32 \(3, 48\)"):
        GoldenFile.from_bytes(golden.to_bytes(), other)
