"""Histogram intersection, Eq. (2), against a loop over its definition."""

import numpy as np
import pytest

from edge_agent.csi import HistogramIndex, image_histogram

N_BINS = 256


def by_definition(first, second):
    """Σ_j min(Z_j, Z'_j) in Python integers."""
    return sum(min(a, b) for a, b in zip(first.tolist(), second.tolist(), strict=True))


def images(rng, n, shape=(3, 10, 20)):
    """Images of narrow and wide spread, so that intersections differ."""
    spread = rng.integers(1, 60, (n, 1, 1, 1))
    return (128 + spread * rng.standard_normal((n, *shape))).clip(0, 255).astype("u1")


def histograms(pixels):
    return np.stack([image_histogram(image) for image in pixels])


# -- histograms ------------------------------------------------------------------------


def test_a_histogram_counts_the_pixels_of_each_channel():
    pixels = np.array([[[0, 255], [7, 7]], [[0, 0], [0, 0]]], np.uint8)

    histogram = image_histogram(pixels).reshape(2, N_BINS)

    assert histogram.dtype == np.uint16
    assert {int(j): int(histogram[0, j]) for j in np.flatnonzero(histogram[0])} == {
        0: 1,
        7: 2,
        255: 1,
    }
    assert histogram[1, 0] == 4
    assert histogram.sum() == 8


def test_channels_that_were_not_heard_have_no_pixels():
    pixels = np.zeros((3, 5, 4), np.uint8)

    histogram = image_histogram(pixels, np.array([True, False, True]))

    assert histogram.reshape(3, N_BINS).sum(axis=1).tolist() == [20, 0, 20]


def test_counts_reach_the_limit_of_16_bits():
    assert image_histogram(np.zeros((1, 1, 65_535), np.uint8))[0] == 65_535


def test_more_pixels_than_16_bits_count_are_refused():
    with pytest.raises(ValueError, match="65536 pixels in a channel exceed"):
        image_histogram(np.zeros((1, 256, 256), np.uint8))


# -- intersections ---------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 255, 256, 257, 600])
def test_intersections_follow_the_definition(rng, n):
    references = histograms(images(rng, n))
    query = image_histogram(images(rng, 1)[0])

    found = HistogramIndex(references).intersections(query)

    assert found.tolist() == [by_definition(row, query) for row in references]
    assert found.dtype == np.uint32


def test_an_image_intersects_itself_in_all_its_pixels(rng):
    references = histograms(images(rng, 5))

    assert HistogramIndex(references).intersections(references[3])[3] == 3 * 10 * 20


def test_a_channel_that_either_image_did_not_hear_takes_no_part(rng):
    first, second = images(rng, 2)
    deaf = image_histogram(first, np.array([True, False, True]))
    heard = HistogramIndex(image_histogram(second)[None])

    found = heard.intersections(deaf)

    with_two = image_histogram(first[[0, 2]]), image_histogram(second[[0, 2]])
    assert found.tolist() == [by_definition(*with_two)]


@pytest.mark.parametrize(
    "counts",
    [
        [65_535],
        [65_534, 1],
        [65_535, 1],  # one pixel more than 16 bits can sum
        [32_768, 32_768],
        [65_535] * 5,
    ],
)
def test_sums_beyond_16_bits_are_exact(counts):
    histogram = np.zeros(3 * N_BINS, np.uint16)
    histogram[: len(counts)] = counts
    references = np.stack([histogram, np.zeros_like(histogram), histogram // 2])

    found = HistogramIndex(references).intersections(histogram)

    assert found.tolist() == [sum(counts), 0, sum(count // 2 for count in counts)]


def test_large_references_do_not_overflow_a_small_image():
    references = np.full((1, N_BINS), 65_535, np.uint16)
    histogram = np.full(N_BINS, 200, np.uint16)

    assert HistogramIndex(references).intersections(histogram) == [200 * N_BINS]


def test_neither_the_index_nor_the_image_is_changed(rng):
    references = histograms(images(rng, 3))
    query = references[0].copy()
    before = references.copy()

    HistogramIndex(references).nearest(query, 2)

    np.testing.assert_array_equal(references, before)
    np.testing.assert_array_equal(query, before[0])


# -- neighbours ------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 7, 39, 40])
def test_the_nearest_come_best_first(rng, k):
    references = histograms(images(rng, 40))
    query = image_histogram(images(rng, 1)[0])

    found = HistogramIndex(references).nearest(query, k)

    by_hand = [by_definition(row, query) for row in references]
    expected = sorted(range(40), key=lambda row: (-by_hand[row], row))[:k]
    assert found.rows.tolist() == expected
    assert found.intersections.tolist() == [by_hand[row] for row in expected]


def test_equally_similar_references_come_in_row_order():
    near, far = np.zeros((2, N_BINS), np.uint16)
    near[0], far[1] = 9, 9
    references = np.stack([far, near, far, near, near, far])

    found = HistogramIndex(references).nearest(near, 5)

    assert found.rows.tolist() == [1, 3, 4, 0, 2]
    assert found.intersections.tolist() == [9, 9, 9, 0, 0]


# -- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0, N_BINS), (N_BINS,), (2, 3, N_BINS), ()])
def test_an_index_needs_a_matrix(shape):
    with pytest.raises(ValueError, match="expected \\(n > 0, n_bins\\)"):
        HistogramIndex(np.zeros(shape, np.uint16))


@pytest.mark.parametrize("shape", [(N_BINS,), (2 * N_BINS + 1,), (1, 2 * N_BINS)])
def test_an_image_of_another_size_is_refused(shape):
    index = HistogramIndex(np.zeros((1, 2 * N_BINS), np.uint16))

    with pytest.raises(ValueError, match=r"not \(512,\)"):
        index.intersections(np.zeros(shape, np.uint16))
    with pytest.raises(ValueError, match=r"not \(512,\)"):
        index.nearest(np.zeros(shape, np.uint16), 1)


@pytest.mark.parametrize("k", [-1, 0, 4])
def test_more_neighbours_than_references_are_refused(k):
    index = HistogramIndex(np.zeros((3, N_BINS), np.uint16))

    with pytest.raises(ValueError, match=f"k is {k}, not 1..3"):
        index.nearest(np.zeros(N_BINS, np.uint16), k)
