"""One thread for linear algebra."""

import os

from edge_agent.threads import use_one_blas_thread


def test_one_thread_is_asked_for(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)

    use_one_blas_thread()

    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_what_the_environment_says_is_kept(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")

    use_one_blas_thread()

    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"
