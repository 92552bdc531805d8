"""What replays of the past teach about trust, for sites that have no past yet.

Each estimator answers the queries of some of the replays; what it was off by, in units
of its own spread, and the temperature that fits, go into the checkpoint:

trust/<estimator>.scores        quantiles, `edge_agent.trust.prior.Prior`
trust/<estimator>.temperature   T

The places are those that taught the network and the whitening: at a site they do worse,
if anything. The device makes up for that, `edge_agent.trust.learn`.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from edge_agent.arrays import Arrays
from edge_agent.estimators import Estimator
from edge_agent.neighbours.estimator import Neighbours, NeighboursPredictor
from edge_agent.neighbours.whitening import Matrix
from edge_agent.trust.errors import errors_in
from edge_agent.trust.learners import geometric_mean
from edge_agent.trust.prior import Prior
from edge_agent.trust.replayed import Replayed
from edge_agent.trust.temperature import fit_temperature
from trainer.checkpoint import Checkpoint
from trainer.errors import CheckpointError
from trainer.neighbours.compare import network_posterior
from trainer.neighbours.learn import Learnt
from trainer.neighbours.replays import Replay

_PREFIX: Final = "trust/"
_MOST_REPLAYS: Final = 16
"""The network takes its gradient steps in each: up to seconds."""


def with_priors(checkpoint: Checkpoint, learnt: Learnt | None) -> Checkpoint:
    """Return a trained checkpoint with what its replays teach about trust.

    Args:
        checkpoint: Of a network.
        learnt: None where there was nothing to replay; nothing is added then.
    """
    if learnt is None:
        return checkpoint
    priors = learn_priors(checkpoint, learnt)
    return replace(
        checkpoint, attachments=checkpoint.attachments | to_attachments(priors)
    )


def learn_priors(checkpoint: Checkpoint, learnt: Learnt) -> dict[Estimator, Prior]:
    """Return what to expect of each estimator at a site without a past.

    Args:
        checkpoint: Of the network.
        learnt: The neighbours; up to 16 of its replays are taken, evenly.
    """
    n = min(_MOST_REPLAYS, len(learnt.replays))
    chosen = np.linspace(0, len(learnt.replays) - 1, n).round().astype(int).tolist()
    replays = [learnt.replays[number] for number in chosen]
    network = [network_posterior(checkpoint, each) for each in replays]
    neighbours = [_neighbours_posterior(learnt.neighbours, each) for each in replays]
    answers = {
        Estimator.NETWORK: network,
        Estimator.NEIGHBOURS: neighbours,
        Estimator.ENSEMBLE: [
            geometric_mean(*both) for both in zip(network, neighbours, strict=True)
        ],
    }
    return {
        estimator: _prior(
            [_replayed(*each) for each in zip(replays, posteriors, strict=True)]
        )
        for estimator, posteriors in answers.items()
    }


def _prior(answers: list[Replayed]) -> Prior:
    """Return T, the geometric mean of that of each place, and all scores."""
    temperatures = [fit_temperature(answer, 1.0) for answer in answers]
    temperature = float(np.exp(np.mean(np.log(temperatures))))
    scores = [errors_in(answer, temperature).scores.values for answer in answers]
    return Prior.of(temperature, np.concatenate(scores))


def _replayed(place: Replay, posterior: Matrix) -> Replayed:
    queries = place.queries
    n = len(queries)
    visits = list(
        zip(queries.point_of.tolist(), queries.visit_of.tolist(), strict=True)
    )
    return Replayed(
        queries.points,
        np.asarray(posterior, np.float64),
        queries.point_of,
        np.zeros(n, np.bool_),
        np.array([1 / visits.count(visit) for visit in visits]),
        np.ones(n, np.bool_),
    )


def _neighbours_posterior(neighbours: Neighbours, place: Replay) -> Matrix:
    shots, queries = place.shots, place.queries
    kept = neighbours.fingerprints(
        shots.spec, shots.images, shots.heard, shots.point_of, len(shots.points)
    )
    predictor = NeighboursPredictor(neighbours, shots.spec, kept)
    return predictor.predict(queries.images, queries.heard)


def to_attachments(priors: dict[Estimator, Prior]) -> Arrays:
    """Return the arrays that `priors_from_attachments` reads."""
    return {
        f"{_PREFIX}{estimator}.{name}": array
        for estimator, prior in priors.items()
        for name, array in (
            ("scores", prior.quantiles.astype(np.float32)),
            ("temperature", np.array(prior.temperature)),
        )
    }


def priors_from_attachments(checkpoint: Checkpoint) -> dict[Estimator, Prior] | None:
    """Return what a checkpoint knows about trust; None where it knows nothing.

    Raises:
        CheckpointError: It has some of the arrays, or arrays that make no sense.
    """
    arrays = {
        name.removeprefix(_PREFIX): array
        for name, array in checkpoint.attachments.items()
        if name.startswith(_PREFIX)
    }
    if not arrays:
        return None
    priors = {}
    try:
        for name in sorted({name.split(".")[0] for name in arrays}):
            temperature = float(arrays[f"{name}.temperature"].item())
            scores = arrays[f"{name}.scores"].astype(np.float64)
            priors[Estimator(name)] = Prior(temperature, temperature, scores)
    except KeyError as error:
        raise CheckpointError(
            f"the checkpoint lacks {_PREFIX}{error.args[0]}"
        ) from None
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the checkpoint's trust: {error}") from error
    return priors
