"""Golden tasks: what is expected of devices, and whether it means anything."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from edge_agent.bundles.bundle import AdaptationDefaults
from edge_agent.bundles.golden import STEP_TOLERANCE
from edge_agent.bundles.golden_file import GOLDEN, GoldenFile, digest
from edge_agent.learning.adaptation import adapt
from edge_agent.learning.layer_step import LayerStep
from edge_agent.learning.network import (
    Architecture,
    forward,
    probabilities,
    scale_input,
)
from export.bundle_writer import ExportError
from export.golden import make_golden
from export.golden_clearance import clearance_of
from export.write_bundle import write_bundle
from tests.trainer.builders import (
    PAPER_NETWORK,
    SMALL_NETWORK,
    checkpoint,
    random_parameters,
)

EXACT = 1e-10
DEFAULTS = AdaptationDefaults(0.01, 5)


def made(architecture=SMALL_NETWORK, adaptation=DEFAULTS, *, seed=0, **changes):
    """Parameters and what is expected of them."""
    parameters = random_parameters(architecture, np.random.default_rng(seed))
    for name, value in changes.items():
        parameters[name.replace("__", ".")][...] = value
    return parameters, make_golden(architecture, parameters, adaptation)


@pytest.fixture(scope="module")
def paper():
    """Of the paper's network: what is expected, and the clearances on the way."""
    parameters = random_parameters(PAPER_NETWORK, np.random.default_rng(0))
    seen = []
    golden = make_golden(
        PAPER_NETWORK,
        parameters,
        DEFAULTS,
        on_try=lambda _number, clearance: seen.append(clearance),
    )
    return parameters, golden, seen


@pytest.fixture(params=["small", "one layer", "paper"])
def example(request, paper):
    """Architecture, parameters and what is expected of them."""
    if request.param == "paper":
        return PAPER_NETWORK, *paper[:2]
    one_layer = Architecture((1, 2, 3), filters=(2,))
    architecture = SMALL_NETWORK if request.param == "small" else one_layer
    return architecture, *made(architecture)


def assert_exact(found, expected):
    np.testing.assert_allclose(found, expected, rtol=EXACT, atol=EXACT)


# -- what is expected ------------------------------------------------------------------


def test_what_is_expected_is_what_the_device_makes_of_it_in_double_precision(example):
    """torch wrote it; NumPy has gradients of its own."""
    architecture, parameters, golden = example
    task, expected = golden.task, golden.expected
    step = LayerStep(architecture, task.shots)
    queries = scale_input(architecture, task.query_images, task.query_heard, np.float64)

    first = step(parameters | task.head, task.alpha)
    second = step(first.after, 0.0)
    adapted = adapt(
        parameters,
        step,
        task.shots,
        architecture=architecture,
        alpha=task.adapt_alpha,
        n_steps=task.n_steps,
    )

    assert_exact(first.loss, expected.loss)
    for ours, theirs in zip(first.statistics, expected.statistics, strict=True):
        assert_exact(ours.mean, theirs.mean)
        assert_exact(ours.variance, theirs.variance)
    assert expected.after.keys() == first.after.keys()
    for name, values in first.after.items():
        assert_exact(digest(values), expected.after[name])
    for answers, theta, statistics in (
        (expected.stepped, first.after, second.statistics),
        (expected.adapted, adapted.parameters, adapted.statistics),
    ):
        logits = forward(theta, queries, statistics).logits
        assert_exact(probabilities(logits), answers)
    assert_exact(adapted.losses, expected.losses)


def test_the_single_step_moves_every_parameter_far_more_than_is_tolerated(example):
    _, parameters, golden = example

    for name, before in (parameters | golden.task.head).items():
        moved = np.abs(golden.expected.after[name] - digest(before)).max()
        assert moved > 50 * STEP_TOLERANCE, name


def test_padding_would_change_everything_if_it_counted():
    parameters, golden = made()
    shots = golden.task.shots
    (padding,) = np.flatnonzero(shots.weights == 0)
    counted = replace(shots, weights=np.where(shots.weights == 0, 0.5, shots.weights))

    step = LayerStep(SMALL_NETWORK, counted)(parameters | golden.task.head, 0.0)

    assert padding == len(shots.points) - 1
    assert abs(step.loss - golden.expected.loss) > 0.1
    for ours, theirs in zip(step.statistics, golden.expected.statistics, strict=True):
        assert np.abs(ours.mean - theirs.mean).max() > 10 * STEP_TOLERANCE


def test_some_channels_are_not_heard_and_some_are():
    _, golden = made()

    heard = golden.task.shots.heard
    assert heard.any(axis=1).all()
    assert 0 < heard.mean() < 1


def test_of_a_long_adaptation_the_beginning_is_repeated():
    _, golden = made(adaptation=AdaptationDefaults(0.01, 500))

    assert golden.task.n_steps == 20
    assert len(golden.expected.losses) == 21


def test_a_bundle_that_takes_no_steps_has_a_golden_task_too():
    _, golden = made(adaptation=AdaptationDefaults(0.01, 0))

    np.testing.assert_allclose(golden.expected.losses, [np.log(3)], rtol=1e-12)
    np.testing.assert_allclose(golden.expected.adapted, 1 / 3, rtol=1e-12)


def test_steps_that_would_raise_the_loss_are_expected_to_be_halved():
    """Until one lowers it; as the device does, too."""
    adaptation = AdaptationDefaults(30.0, 12)
    parameters, golden = made(adaptation=adaptation)

    adapted = adapt(
        parameters,
        LayerStep(SMALL_NETWORK, golden.task.shots),
        golden.task.shots,
        architecture=SMALL_NETWORK,
        alpha=adaptation.alpha,
        n_steps=adaptation.n_steps,
    )

    changes = np.diff(golden.expected.losses)
    (rejected,) = np.nonzero(changes == 0)
    assert (changes <= 0).all()
    assert (changes[rejected[0] :] < 0).any()
    assert_exact(adapted.losses, golden.expected.losses)


def test_the_same_network_gives_the_same_bytes():
    assert made()[1].to_bytes() == made()[1].to_bytes()


def test_sums_have_one_order_whatever_torch_is_allowed():
    parameters = random_parameters(SMALL_NETWORK, np.random.default_rng(0))
    torch.set_num_threads(3)
    used = set()

    make_golden(
        SMALL_NETWORK,
        parameters,
        DEFAULTS,
        on_try=lambda _number, _clearance: used.add(torch.get_num_threads()),
    )

    assert used == {1}
    assert torch.get_num_threads() == 3


def test_the_file_of_the_papers_network_is_small(paper):
    assert len(paper[1].to_bytes()) < 50_000


# -- close decisions -------------------------------------------------------------------


def test_a_task_with_clear_decisions_is_taken(paper):
    parameters, golden, seen = paper

    assert clearance_of(PAPER_NETWORK, parameters, golden.task) == seen[-1] >= 4
    assert max(seen[:-1]) < 4


def test_where_every_task_has_close_decisions_the_clearest_will_do(monkeypatch):
    monkeypatch.setattr("export.golden._CLEAR", float("inf"))
    monkeypatch.setattr("export.golden._TRIES", 5)
    seen = []
    parameters = random_parameters(SMALL_NETWORK, np.random.default_rng(0))

    golden = make_golden(
        SMALL_NETWORK,
        parameters,
        DEFAULTS,
        on_try=lambda _number, clearance: seen.append(clearance),
    )

    assert len(seen) == 5
    assert clearance_of(SMALL_NETWORK, parameters, golden.task) == max(seen)


# -- networks that have none -----------------------------------------------------------


def test_a_network_that_cannot_tell_images_apart_is_refused():
    nothing = {"conv0__weight": 0, "conv1__weight": 0}

    with pytest.raises(ExportError, match="does not adapt: none of 5 steps lowered"):
        made(**nothing)


def test_a_network_that_learns_next_to_nothing_is_refused():
    with pytest.raises(ExportError, match="tells points apart by"):
        made(adaptation=AdaptationDefaults(1e-9, 5))


def test_a_network_beyond_single_precision_is_refused():
    """What it tells apart is lost beside a hundred million."""
    with pytest.raises(ExportError, match="in single precision, "):
        made(conv0__bias=1e8)


def test_a_network_that_rounding_would_turn_is_refused(monkeypatch):
    monkeypatch.setattr("export.golden._NUDGE", 1e-3)
    monkeypatch.setattr("export.golden._LEAST_LEAD", 0.0)

    with pytest.raises(ExportError, match="in single precision, "):
        made()


def test_a_network_beyond_double_precision_is_refused():
    with pytest.raises(ExportError, match=r"the largest gradient is (inf|nan)"):
        made(norm1__scale=1e308, norm1__shift=1e308)


def test_parameters_of_another_network_are_refused():
    one_layer = Architecture((1, 2, 3), filters=(2,))
    parameters = random_parameters(one_layer, np.random.default_rng(0))

    with pytest.raises(ExportError, match=r"the checkpoint's parameters"):
        make_golden(SMALL_NETWORK, parameters, DEFAULTS)


# -- in a bundle -----------------------------------------------------------------------


def test_a_bundle_holds_its_golden_task(tmp_path):
    saved = checkpoint()

    bundle = write_bundle(saved, tmp_path / "bundle", name="x")

    expected = make_golden(SMALL_NETWORK, saved.parameters, saved.adaptation)
    assert bundle.files.content(GOLDEN) == expected.to_bytes()
    GoldenFile.from_bytes(bundle.files.content(GOLDEN), SMALL_NETWORK)


def test_a_back_end_that_is_not_what_torch_is_is_refused(tmp_path, monkeypatch):
    _, other = made(seed=1)
    monkeypatch.setattr("export.write_bundle.make_golden", lambda *_: other)

    with pytest.raises(
        ExportError, match=r"numpy is not what torch is: loss: off by 0\.\d+, allowed"
    ):
        write_bundle(checkpoint(), tmp_path / "bundle", name="x")

    assert list(tmp_path.iterdir()) == []
