"""neighbours.npz: what comes back, and what is refused."""

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays, unpack_arrays
from edge_agent.csi.image import ImageSpec
from edge_agent.neighbours.file import (
    NEIGHBOURS_SCHEMA,
    pack_neighbours,
    unpack_neighbours,
)
from tests.edge_agent.sites import SPEC
from tests.edge_agent.whitened import random_neighbours


def test_neighbours_come_back_in_single_precision(rng):
    neighbours = random_neighbours(rng)

    found = unpack_neighbours(pack_neighbours(neighbours), SPEC)

    assert found.kernel == neighbours.kernel
    for name in ("scale", "root"):
        kept, given = (getattr(n.whitening, name) for n in (found, neighbours))
        np.testing.assert_array_equal(kept, given.astype(np.float32))
        assert kept.dtype == np.float64


def test_the_file_is_small(rng):
    n_tones = ImageSpec().n_tones

    assert len(pack_neighbours(random_neighbours(rng, n_tones))) < 12_000


def test_the_same_neighbours_are_the_same_bytes():
    first, again = (
        pack_neighbours(random_neighbours(np.random.default_rng(3))) for _ in range(2)
    )

    assert first == again


@pytest.mark.parametrize(
    ("header", "arrays", "reason"),
    [
        ({"schema": "metaloc.neighbours/9"}, {}, "has schema 'metaloc.neighbours/9'"),
        ({"freedom": None}, {}, "freedom is None, not a number"),
        ({"freedom": True}, {}, "freedom is True, not a number"),
        ({"temperature": "hot"}, {}, "temperature is 'hot', not a number"),
        ({"temperature": -1}, {}, r"temperature is -1\.0, not 1e-6 to 1e6"),
        ({"unheard": float("nan")}, {}, "unheard is nan, not 1e-6 to 1e6"),
        ({}, {"scale": None}, r"holds \['root'\], not \['root', 'scale'\]"),
        ({}, {"more": np.zeros(2)}, r"holds \['more', 'root', 'scale'\]"),
        ({}, {"scale": np.ones(17)}, "scale is float64, not float32"),
        ({}, {"root": np.eye(17, dtype=np.int32)}, "root is int32, not float32"),
        ({}, {"scale": np.ones(5, np.float32)}, r"scale has shape \(5,\), root \(17"),
        ({}, {"scale": np.zeros(17, np.float32)}, "scale holds values"),
        ({}, {"root": np.full((17, 17), np.nan, np.float32)}, "root holds values"),
        ({}, {"root": np.tri(17, dtype=np.float32)}, "root is not symmetric"),
        ({}, {"root": -np.eye(17, dtype=np.float32)}, "root is not positive definite"),
        (
            {},
            {"root": np.eye(9, dtype=np.float32), "scale": np.ones(9, np.float32)},
            "whitens 8 tones, images have 16",
        ),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(rng, header, arrays, reason):
    old, content = unpack_arrays(
        pack_neighbours(random_neighbours(rng)),
        schema=NEIGHBOURS_SCHEMA,
        max_bytes=1 << 20,
    )
    changed = {k: v for k, v in (content | arrays).items() if v is not None}
    data = pack_arrays(old | header, changed)

    with pytest.raises(ValueError, match=reason):
        unpack_neighbours(data, SPEC)


def test_a_file_that_lacks_a_number_is_refused(rng):
    old, content = unpack_arrays(
        pack_neighbours(random_neighbours(rng)),
        schema=NEIGHBOURS_SCHEMA,
        max_bytes=1 << 20,
    )
    del old["unheard"]

    with pytest.raises(ValueError, match="unheard is None, not a number"):
        unpack_neighbours(pack_arrays(old, content), SPEC)


def test_a_damaged_file_is_refused(rng):
    data = pack_neighbours(random_neighbours(rng))

    with pytest.raises(ValueError, match="is damaged"):
        unpack_neighbours(data[:-40], SPEC)


def test_a_file_that_would_fill_the_memory_is_refused():
    vast = {"root": np.zeros((1100, 1100), np.float32), "scale": np.ones(1100)}

    with pytest.raises(
        ValueError, match=r"holds .* bytes of arrays, more than 4194304"
    ):
        unpack_neighbours(pack_arrays({"schema": NEIGHBOURS_SCHEMA}, vast), SPEC)
