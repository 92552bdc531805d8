"""A bundle proves itself on the machine that is going to use it."""

from dataclasses import replace

import pytest

from edge_agent.bundles.golden_file import GOLDEN
from edge_agent.bundles.proof import prove
from edge_agent.config import ModelConfig
from edge_agent.errors import BundleError

NUMPY = ModelConfig(backend="numpy")


@pytest.mark.parametrize("backend", ["auto", "numpy"])
def test_what_comes_out_as_it_should_is_proven(bundle, backend):
    assert prove(bundle.files, ModelConfig(backend=backend))


def test_without_a_golden_task_nothing_is_proven(bundle):
    contents = {n: d for n, d in bundle.files.contents.items() if n != GOLDEN}

    assert not prove(replace(bundle.files, contents=contents), NUMPY)


def test_what_comes_out_otherwise_is_refused_by_quantity(bundle, monkeypatch):
    from edge_agent.learning import layer_step

    right = layer_step._cross_entropy

    def wrong(*arguments):
        loss, gradient = right(*arguments)
        return loss * 1.01, gradient

    monkeypatch.setattr(layer_step, "_cross_entropy", wrong)

    with pytest.raises(
        BundleError,
        match=r"does not compute what it should \(model.backend is numpy\): loss: off "
        r"by 0\.0\d+, allowed 1e-05.*edge_agent selftest",
    ):
        prove(bundle.files, NUMPY)


def test_what_makes_no_model_is_refused(bundle):
    document = bundle.files.document | {"architecture": {}}

    with pytest.raises(BundleError, match=r"manifest.json: lacks 'image_shape'"):
        prove(replace(bundle.files, document=document), NUMPY)
