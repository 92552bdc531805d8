"""What would take more memory than is allowed is refused before it is taken."""

from dataclasses import replace

import pytest

from edge_agent.bundles.terms import Terms
from edge_agent.errors import BundleError, CalibrationError
from edge_agent.learning.adaptation import adaptation_bytes
from edge_agent.learning.backends import Backend
from edge_agent.learning.memory import check_model, check_shots
from edge_agent.learning.network import Architecture

LARGE = Architecture((8, 400, 484), filters=(512, 64))
SMALL = Architecture((3, 50, 52), filters=(10, 16, 24, 32, 32))


def test_a_model_that_fits_is_taken(bundle):
    check_model(bundle.manifest.architecture, bundle.files)


def test_a_model_for_which_there_is_no_memory_is_refused(bundle):
    files = replace(bundle.files, terms=Terms(max_memory_mb=100))
    needed = adaptation_bytes(LARGE, 2, 2) / 1e6

    with pytest.raises(
        BundleError,
        match=rf"{files.directory}: adapting to two shots needs about {needed:.0f} MB, "
        r"allowed are 100 \(model.max_memory_mb\)",
    ):
        check_model(LARGE, files)


def test_shots_are_taken_up_to_the_limit_and_no_further():
    needed = adaptation_bytes(SMALL, 300, 90)
    limit = needed // 1_000_000 + 1

    check_shots(SMALL, Terms(limit), Backend.NUMPY, n_shots=300, n_points=90)
    with pytest.raises(
        CalibrationError,
        match=rf"300 shots of 90 points need about {needed / 1e6:.0f} MB, allowed are "
        rf"{limit - 1} \(model.max_memory_mb\): fewer shots per point",
    ):
        check_shots(SMALL, Terms(limit - 1), Backend.KERNEL, n_shots=300, n_points=90)


def test_a_graph_takes_more():
    terms = Terms(adaptation_bytes(SMALL, 300, 90) * 2 // 1_000_000)

    check_shots(SMALL, terms, Backend.KERNEL, n_shots=300, n_points=90)
    with pytest.raises(CalibrationError, match="300 shots of 90 points need about"):
        check_shots(SMALL, terms, Backend.ONNXRUNTIME, n_shots=300, n_points=90)
