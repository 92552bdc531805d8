"""Where shared test data is found."""

import os
from pathlib import Path

from edge_agent.threads import use_one_blas_thread

use_one_blas_thread()
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before a test imports onnxruntime itself

import numpy as np  # noqa: E402  (only now: it reads the limit when imported)
import pytest  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("METALOC_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture
def shared_data():
    """Return a path below the shared data, or skip the test saying what is missing."""

    def locate(relative):
        path = SHARED_DATA / relative
        if not path.exists():
            pytest.skip(f"needs {relative} below METALOC_DATA ({SHARED_DATA})")
        return path

    return locate


@pytest.fixture
def rng():
    return np.random.default_rng(20221122)
