"""Places that can be told apart by the slope of their spectra, and a bundle of them."""

import shutil

import numpy as np

from edge_agent.arrays import pack_arrays
from edge_agent.bundles.bundle import THETA_SCHEMA
from edge_agent.task_similarity.features import task_features
from edge_agent.task_similarity.history import SIMILARITY, TaskHistory
from tests.edge_agent.bundle_copies import change_manifest, replace_file
from tests.edge_agent.sites import POINTS, SPEC, environment, random_parameters

SLOPES = {"hall": 0, "lab": 5, "attic": -5}
"""How the spectra of a place rise over the band [grey levels per tone]."""

STRANGE = 9
"""A slope that no place has."""


def shots_at(seed, slope, *, n_per_point=3, level=0, **overrides):
    """Shots of a place whose spectra have a slope, with noise that tells points."""
    rng = np.random.default_rng(seed)
    n = n_per_point * len(POINTS)
    tones = 110 + level + slope * np.arange(SPEC.n_tones)
    images = tones + rng.integers(-9, 10, (n, *SPEC.shape))
    pixels = np.clip(images, 0, 255).astype(np.uint8)
    return environment(rng, n_per_point=n_per_point, images=pixels, **overrides)


def tasks_at(seed, slope):
    """Features of three visits to a place."""
    return tuple(
        task_features(one.images, one.heard, SPEC)
        for one in (shots_at([seed, visit], slope) for visit in range(3))
    )


def parameters_at(name):
    """What was learnt at a place: random, and its own."""
    return random_parameters(np.random.default_rng([8, list(SLOPES).index(name)]))


def write_bundle_of_places(bundle_directory, directory):
    """Copy a bundle and add a parameter set for every place."""
    shutil.copytree(bundle_directory, directory)
    sets = [{"name": name, "file": f"theta.{n}.npz"} for n, name in enumerate(SLOPES)]
    change_manifest(directory, sets=sets)
    for n, name in enumerate(SLOPES):
        data = pack_arrays({"schema": THETA_SCHEMA}, parameters_at(name))
        replace_file(directory, f"theta.{n}.npz", data)
    history = TaskHistory(tuple(tasks_at(7, s) for s in SLOPES.values()), True)
    replace_file(directory, SIMILARITY, history.to_bytes())
    return directory
