"""What replays teach about trust travels in the checkpoint, and into the bundle."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.errors import BundleError
from edge_agent.estimators import Estimator
from edge_agent.trust.prior import N_QUANTILES, TRUST
from tests.edge_agent.sites import checkpoint
from tests.trainer.neighbours.places import place
from trainer.checkpoint import Checkpoint
from trainer.errors import CheckpointError
from trainer.neighbours.attachments import with_neighbours
from trainer.neighbours.compare import network_posterior
from trainer.neighbours.learn import learn_neighbours
from trainer.neighbours.trust import (
    learn_priors,
    priors_from_attachments,
    to_attachments,
    with_priors,
)


@pytest.fixture(scope="module")
def trained():
    return checkpoint(np.random.default_rng(1))


@pytest.fixture(scope="module")
def learnt():
    rng = np.random.default_rng(2)
    return learn_neighbours([place(rng) for _ in range(3)])


@pytest.fixture(scope="module")
def priors(trained, learnt):
    return learn_priors(trained, learnt)


def test_every_estimator_is_replayed(priors):
    assert priors.keys() == {
        Estimator.NETWORK,
        Estimator.NEIGHBOURS,
        Estimator.ENSEMBLE,
    }
    for prior in priors.values():
        assert prior.quantiles.shape == (N_QUANTILES,)


def test_scores_are_errors_in_units_of_the_posteriors_spread(trained, learnt, priors):
    """By hand: distance to the truth over sqrt(second moment + cell²)."""
    found = priors[Estimator.NETWORK]
    scores = []
    for replay in learnt.replays:
        where = replay.queries.locations
        apart = np.hypot(*(where[:, None] - where).transpose(2, 0, 1))
        cell = np.where(np.eye(len(where)) == 1, np.inf, apart).min(axis=0) / 2
        answers = zip(
            network_posterior(trained, replay), replay.queries.point_of, strict=True
        )
        for posterior, point in answers:
            warm = posterior ** (1 / found.temperature)
            warm = warm / warm.sum()
            mean = posterior / posterior.sum() @ where
            base = np.sqrt(
                warm @ ((where - mean) ** 2).sum(axis=1) + (warm @ cell) ** 2
            )
            scores.append(np.hypot(*(mean - where[point])) / base)

    at = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
    np.testing.assert_allclose(found.quantiles, np.quantile(scores, at), rtol=1e-5)


def test_the_temperature_is_between_those_of_the_places(trained, learnt, priors):
    """Each place alone, by brute force; together their geometric mean."""
    alone = [
        learn_priors(trained, replace(learnt, replays=(replay,)))[
            Estimator.NETWORK
        ].temperature
        for replay in learnt.replays
    ]

    assert len(set(alone)) > 1
    assert priors[Estimator.NETWORK].temperature == pytest.approx(
        np.prod(alone) ** (1 / len(alone))
    )


def test_neighbours_that_know_the_place_are_off_by_less(priors):
    """The network here is random."""
    middle = {e: prior.quantiles[N_QUANTILES // 2] for e, prior in priors.items()}

    assert middle[Estimator.NEIGHBOURS] < middle[Estimator.NETWORK]


def test_they_come_back_from_the_file(trained, priors, tmp_path):
    replace(trained, attachments=to_attachments(priors)).save(tmp_path / "c.npz")

    found = priors_from_attachments(Checkpoint.load(tmp_path / "c.npz"))

    assert found.keys() == priors.keys()
    for estimator, prior in priors.items():
        assert found[estimator].temperature == prior.temperature
        np.testing.assert_allclose(found[estimator].quantiles, prior.quantiles, 1e-6)


def test_where_nothing_was_replayed_nothing_is_known(trained):
    assert with_priors(trained, None) is trained
    assert priors_from_attachments(trained) is None


def test_they_are_attached_beside_what_is_there(trained, learnt):
    found = with_priors(with_neighbours(trained, learnt), learnt)

    assert any(name.startswith("whitening/") for name in found.attachments)
    assert any(name.startswith("trust/") for name in found.attachments)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"network.scores": None}, "the checkpoint lacks trust/network.scores"),
        ({"network.temperature": None}, "lacks trust/network.temperature"),
        ({"network.temperature": np.array(0.0)}, "trust: temperature is 0.0"),
        ({"network.temperature": np.ones(2)}, "trust: can only convert an"),
        ({"network.scores": np.array([2.0, 1.0])}, "trust: scores do not rise"),
        ({"oracle.scores": np.ones(2)}, "lacks trust/oracle.temperature"),
        (
            {"oracle.scores": np.ones(2), "oracle.temperature": np.array(1.0)},
            "trust: 'oracle' is not a valid Estimator",
        ),
    ],
)
def test_attachments_that_make_no_sense_are_refused(trained, priors, changes, reason):
    arrays = to_attachments(priors)
    arrays |= {f"trust/{name}": array for name, array in changes.items()}
    kept = {name: array for name, array in arrays.items() if array is not None}

    with pytest.raises(CheckpointError, match=reason):
        priors_from_attachments(replace(trained, attachments=kept))


def test_the_bundle_has_them_and_refuses_damaged_ones(trained, priors, tmp_path):
    pytest.importorskip("onnx", reason="needs onnx to write a bundle")
    from export.write_bundle import write_bundle

    written = write_bundle(
        replace(trained, attachments=to_attachments(priors)),
        tmp_path / "bundle",
        name="tiny-1",
    )

    assert written.trust.keys() == priors.keys()
    damaged = replace(written.files, contents=written.files.contents | {TRUST: b"PK"})
    with pytest.raises(BundleError, match=r"trust.npz: is damaged"):
        Bundle.from_files(damaged)


def test_a_bundle_without_them_knows_nothing(trained, tmp_path):
    pytest.importorskip("onnx", reason="needs onnx to write a bundle")
    from export.write_bundle import write_bundle

    written = write_bundle(trained, tmp_path / "bundle", name="tiny-1")

    assert written.trust is None
    assert TRUST not in written.files.contents
