"""The network in NumPy, against the same network written pixel by pixel."""

import math
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.learning.network import (
    NORM_EPSILON,
    Architecture,
    Statistics,
    check_parameters,
    forward,
    probabilities,
    scale_input,
)
from tests.edge_agent.sites import ARCHITECTURE, random_parameters

TINY = Architecture((2, 5, 6), filters=(3, 2), pixel_mean=0.4, pixel_std=0.2)
"""Odd edges, two layers: small enough to be computed pixel by pixel."""


def random_images(rng, n, architecture=TINY):
    images = rng.integers(0, 256, (n, *architecture.image_shape), np.uint8)
    return images, np.ones((n, architecture.image_shape[0]), np.bool_)


# -- the network again, one number at a time -------------------------------------------


def slow_convolution(image, weight, bias):
    """Image (channels, height, width) as nested lists of floats."""
    height, width = len(image[0]), len(image[0][0])

    def pixel(channel, row, column):
        inside = 0 <= row < height and 0 <= column < width
        return image[channel][row][column] if inside else 0.0

    return [
        [
            [
                bias[out]
                + sum(
                    kernel[channel][dy][dx] * pixel(channel, y + dy - 1, x + dx - 1)
                    for channel in range(len(image))
                    for dy in range(3)
                    for dx in range(3)
                )
                for x in range(width)
            ]
            for y in range(height)
        ]
        for out, kernel in enumerate(weight)
    ]


def slow_maximum(image):
    return [
        [
            [
                max(plane[2 * y + dy][2 * x + dx] for dy in (0, 1) for dx in (0, 1))
                for x in range(len(plane[0]) // 2)
            ]
            for y in range(len(plane) // 2)
        ]
        for plane in image
    ]


def slow_logits(architecture, parameters, image, heard, statistics):
    """Logits of one image, with frozen statistics."""
    theta = {name: array.tolist() for name, array in parameters.items()}
    x = [
        [
            [
                (p / 255 - architecture.pixel_mean) / architecture.pixel_std * is_heard
                for p in row
            ]
            for row in plane
        ]
        for plane, is_heard in zip(image.tolist(), heard.tolist(), strict=True)
    ]
    n_layers = len(architecture.filters)
    for layer in range(n_layers):
        x = slow_convolution(
            x, theta[f"conv{layer}.weight"], theta[f"conv{layer}.bias"]
        )
        mean, variance = (part.tolist() for part in statistics[layer])
        x = [
            [
                [
                    theta[f"norm{layer}.scale"][f]
                    * (max(value, 0.0) - mean[f])
                    / math.sqrt(variance[f] + NORM_EPSILON)
                    + theta[f"norm{layer}.shift"][f]
                    for value in row
                ]
                for row in plane
            ]
            for f, plane in enumerate(x)
        ]
        if layer < n_layers - 1:
            x = slow_maximum(x)
    features = [value for plane in x for row in plane for value in row]
    return [
        bias + sum(w * f for w, f in zip(weights, features, strict=True))
        for weights, bias in zip(theta["head.weight"], theta["head.bias"], strict=True)
    ]


def random_statistics(rng, architecture=TINY):
    return [
        Statistics(rng.normal(0, 1, n), rng.uniform(0.1, 2, n))
        for n in architecture.filters
    ]


# -- tests -----------------------------------------------------------------------------


def test_logits_are_those_of_the_network_written_pixel_by_pixel(rng):
    parameters = random_parameters(rng, TINY, n_points=4, dtype=np.float64)
    statistics = random_statistics(rng)
    images, heard = random_images(rng, 3)
    heard[1, 0] = False

    inputs = scale_input(TINY, images, heard, np.float64)
    logits = forward(parameters, inputs, statistics).logits

    for image, mask, row in zip(images, heard, logits, strict=True):
        expected = slow_logits(TINY, parameters, image, mask, statistics)
        assert row.tolist() == pytest.approx(expected, rel=1e-10)


def test_statistics_are_mean_and_variance_after_the_rectifier(rng):
    parameters = random_parameters(rng, TINY, n_points=1, dtype=np.float64)
    images, heard = random_images(rng, 4)
    inputs = scale_input(TINY, images, heard, np.float64)

    layer = forward(parameters, inputs).layers[0]

    rectified = [
        np.maximum(
            slow_convolution(
                inputs[n].tolist(),
                parameters["conv0.weight"].tolist(),
                parameters["conv0.bias"].tolist(),
            ),
            0,
        )
        for n in range(4)
    ]
    by_filter = np.stack(rectified).transpose(1, 0, 2, 3).reshape(3, -1)
    np.testing.assert_allclose(layer.statistics.mean, by_filter.mean(axis=1))
    np.testing.assert_allclose(layer.statistics.variance, by_filter.var(axis=1))


def test_frozen_statistics_of_the_same_images_change_nothing(rng):
    parameters = random_parameters(rng, TINY, n_points=3, dtype=np.float64)
    inputs = scale_input(TINY, *random_images(rng, 5), np.float64)

    own = forward(parameters, inputs)
    frozen = forward(parameters, inputs, [layer.statistics for layer in own.layers])

    np.testing.assert_allclose(frozen.logits, own.logits, rtol=1e-12)


def test_with_frozen_statistics_an_image_does_not_depend_on_the_others(rng):
    parameters = random_parameters(rng, TINY, n_points=3, dtype=np.float64)
    statistics = random_statistics(rng)
    inputs = scale_input(TINY, *random_images(rng, 20), np.float64)

    together = forward(parameters, inputs, statistics).logits

    for number in range(20):
        alone = forward(parameters, inputs[number : number + 1], statistics).logits
        np.testing.assert_allclose(together[number], alone[0], rtol=1e-12)


def test_what_a_channel_that_was_not_heard_holds_has_no_influence(rng):
    parameters = random_parameters(rng, TINY, n_points=3)
    images, heard = random_images(rng, 6)
    heard[:, 1] = False
    others = images.copy()
    others[:, 1] = rng.integers(0, 256, others[:, 1].shape)

    first, second = (
        forward(parameters, scale_input(TINY, pixels, heard)).logits
        for pixels in (images, others)
    )

    assert (first == second).all()


def test_a_channel_that_was_heard_does_have_influence(rng):
    parameters = random_parameters(rng, TINY, n_points=3)
    images, heard = random_images(rng, 6)
    others = images.copy()
    others[:, 1] = 255 - others[:, 1]

    first, second = (
        forward(parameters, scale_input(TINY, pixels, heard)).logits
        for pixels in (images, others)
    )

    assert not (first == second).any()


def test_pixels_are_scaled_by_mean_and_deviation():
    architecture = Architecture((1, 1, 3), (1,), pixel_mean=0.5, pixel_std=0.25)
    images = np.array([[[[0, 51, 255]]]], np.uint8)

    scaled = scale_input(architecture, images, np.ones((1, 1), np.bool_))

    assert scaled.dtype == np.float32
    assert scaled[0, 0, 0].tolist() == pytest.approx([-2, -1.2, 2])


def test_the_input_keeps_images_and_channels_in_their_order():
    architecture = Architecture((2, 1, 1), (1,), pixel_mean=0, pixel_std=1)
    images = np.array([0, 51, 102, 153, 204, 255], np.uint8).reshape(3, 2, 1, 1)

    scaled = scale_input(architecture, images, np.ones((3, 2), np.bool_))

    assert scaled[..., 0, 0].tolist() == [
        pytest.approx([0, 0.2]),
        pytest.approx([0.4, 0.6]),
        pytest.approx([0.8, 1]),
    ]


@pytest.mark.parametrize(
    ("images", "heard"),
    [
        ((3, 2, 5, 7), (3, 2)),
        ((2, 5, 6), (3, 2)),
        ((3, 2, 5, 6), (2, 2)),
        ((3, 2, 5, 6), (3, 1)),
        ((3, 2, 5, 6), (3,)),
    ],
)
def test_images_of_another_shape_are_refused(images, heard):
    with pytest.raises(ValueError, match=r"expected \(n, \*\(2, 5, 6\)\) and \(n, 2\)"):
        scale_input(TINY, np.zeros(images, np.uint8), np.ones(heard, np.bool_))


def test_probabilities_are_a_softmax():
    answer = probabilities(np.log([[1.0, 2.0, 5.0], [4.0, 4.0, 8.0]]))

    np.testing.assert_allclose(answer, [[0.125, 0.25, 0.625], [0.25, 0.25, 0.5]])


def test_large_logits_do_not_overflow():
    answer = probabilities(np.array([[1000.0, 0.0], [-1000.0, -1000.0]]))

    assert answer.tolist() == [[1, 0], [0.5, 0.5]]


# -- sizes -----------------------------------------------------------------------------


def test_every_layer_but_the_last_halves_the_image():
    assert Architecture((3, 50, 52)).feature_map == (3, 3)  # 50, 25, 12, 6, 3
    assert Architecture((3, 50, 52)).n_features == 32 * 3 * 3
    assert TINY.feature_map == (2, 3)


def test_parameters_are_named_and_shaped_by_layer():
    assert TINY.parameter_shapes(n_points=4) == {
        "conv0.weight": (3, 2, 3, 3),
        "conv0.bias": (3,),
        "norm0.scale": (3,),
        "norm0.shift": (3,),
        "conv1.weight": (2, 3, 3, 3),
        "conv1.bias": (2,),
        "norm1.scale": (2,),
        "norm1.shift": (2,),
        "head.weight": (4, 12),
        "head.bias": (4,),
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"filters": ()}, "1 to 8 layers of 1 to 512"),
        ({"filters": (1,) * 9}, "1 to 8 layers of 1 to 512"),
        ({"filters": (3, 0)}, "1 to 8 layers of 1 to 512"),
        ({"filters": (513,)}, "1 to 8 layers of 1 to 512"),
        ({"pixel_std": 0.0}, "pixel_std is 0.0, not positive"),
        ({"filters": (3.0, 2)}, "1 to 8 layers of 1 to 512"),
        ({"pixel_std": math.nan}, "pixel_mean 0.4, pixel_std nan: not finite"),
        ({"pixel_std": math.inf}, "pixel_std inf: not finite"),
        ({"pixel_mean": math.nan}, "pixel_mean nan, pixel_std 0.2: not finite"),
        ({"image_shape": (2, 1, 6), "filters": (1, 1)}, r"\(2, 1, 6\) vanish in 2 lay"),
        ({"image_shape": (2, 6, 1), "filters": (1, 1)}, r"\(2, 6, 1\) vanish in 2 lay"),
        ({"filters": (1, 1, 1, 1)}, r"images of \(2, 5, 6\) vanish in 4 layers"),
    ],
)
def test_impossible_sizes_are_refused(change, reason):
    with pytest.raises(ValueError, match=reason):
        replace(TINY, **change)


def test_parameters_that_fit_are_accepted(rng):
    check_parameters(ARCHITECTURE, random_parameters(rng))
    check_parameters(ARCHITECTURE, random_parameters(rng, n_points=5), n_points=5)


def test_a_missing_parameter_is_named(rng):
    parameters = random_parameters(rng)
    del parameters["norm1.shift"]

    with pytest.raises(ValueError, match=r"parameters lack \['norm1.shift'\]"):
        check_parameters(ARCHITECTURE, parameters)


def test_an_unknown_parameter_is_named(rng):
    parameters = random_parameters(rng) | {"conv9.weight": np.zeros(1)}

    with pytest.raises(ValueError, match=r"\['conv9.weight'\] are not the network's"):
        check_parameters(ARCHITECTURE, parameters)


def test_a_head_for_another_number_of_points_is_refused(rng):
    with pytest.raises(ValueError, match=r"head.weight has shape \(3, 128\), not \(2,"):
        check_parameters(ARCHITECTURE, random_parameters(rng, n_points=3), n_points=2)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(rng, value):
    parameters = random_parameters(rng)
    parameters["conv1.weight"][0, 1, 2, 0] = value

    with pytest.raises(ValueError, match=r"conv1.weight holds values that are not fin"):
        check_parameters(ARCHITECTURE, parameters)


@pytest.mark.parametrize("dtype", [np.int32, np.complex64, np.bool_])
def test_parameters_that_are_no_real_numbers_are_not_taken_for_them(rng, dtype):
    parameters = random_parameters(rng)
    parameters["conv0.bias"] = parameters["conv0.bias"].astype(dtype)

    with pytest.raises(ValueError, match=r"conv0\.bias holds .*, not real numbers"):
        check_parameters(ARCHITECTURE, parameters)
