"""Which back end is taken, and what is said about those that are not."""

import sys

import pytest

from edge_agent.errors import BackendError
from edge_agent.learning import backends, layer_kernel, onnx_runtime
from edge_agent.learning.backends import Backend, for_adapting, for_predicting

CHOICES = pytest.mark.parametrize("choose", [for_adapting, for_predicting])


@pytest.fixture
def without_kernel(monkeypatch):
    monkeypatch.setattr(layer_kernel, "AVAILABLE", False)


@pytest.fixture
def without_onnxruntime(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)


def silent(caution):
    pytest.fail(caution)


@CHOICES
def test_the_kernel_comes_first_and_onnxruntime_is_not_imported(choose, monkeypatch):
    monkeypatch.setattr(layer_kernel, "AVAILABLE", True)
    monkeypatch.setattr(onnx_runtime, "load", lambda: pytest.fail("imported"))

    assert choose(Backend.AUTO, silent) is Backend.KERNEL


@CHOICES
@pytest.mark.usefixtures("without_kernel")
def test_without_a_kernel_it_is_onnxruntime(choose):
    assert choose(Backend.AUTO, silent) is Backend.ONNXRUNTIME


@CHOICES
@pytest.mark.usefixtures("without_kernel", "without_onnxruntime")
def test_without_both_it_is_numpy_and_nothing_is_said(choose):
    assert choose(Backend.AUTO, silent) is Backend.NUMPY


@CHOICES
@pytest.mark.usefixtures("without_kernel")
def test_what_is_installed_but_does_not_work_is_passed_over_with_a_word(
    choose, monkeypatch
):
    def crash():
        raise BackendError("importing onnxruntime crashes")

    monkeypatch.setattr(backends.onnx_runtime, "load", crash)
    cautions = []

    assert choose(Backend.AUTO, cautions.append) is Backend.NUMPY
    assert cautions == ["importing onnxruntime crashes"]
    with pytest.raises(BackendError, match="crashes"):
        choose(Backend.ONNXRUNTIME, silent)


@CHOICES
@pytest.mark.parametrize("backend", [Backend.ONNXRUNTIME, Backend.NUMPY])
def test_who_asks_gets(choose, backend):
    assert choose(backend, silent) is backend


@CHOICES
@pytest.mark.usefixtures("without_kernel")
def test_a_kernel_that_was_not_built_is_an_error_with_the_remedy(choose):
    with pytest.raises(BackendError, match="not built, for want of a compiler"):
        choose(Backend.KERNEL, silent)


@CHOICES
@pytest.mark.usefixtures("without_onnxruntime")
def test_an_onnxruntime_that_is_missing_is_an_error_with_the_remedy(choose):
    with pytest.raises(BackendError, match=r"pip install '.\[edge\]'"):
        choose(Backend.ONNXRUNTIME, silent)
