"""ONNX Runtime, imported where that is safe: sessions of one thread for one process.

The only module that imports onnxruntime.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.errors import BackendError, BundleError
from edge_agent.learning import onnx_probe


class NotInstalledError(BackendError):
    """A back end is not installed, which is nothing to worry about."""


def load(cache: Path | None = None) -> Any:  # noqa: ANN401  (a module without types)
    """Import onnxruntime, unless that would kill the process, and return it.

    Args:
        cache: As of `edge_agent.learning.onnx_probe.probe`.

    Raises:
        NotInstalledError: There is none.
        BackendError: It crashes, or raises when imported.
    """
    if not onnx_probe.is_installed():
        raise NotInstalledError(
            "onnxruntime is not installed: in a clone of MetaLoc, pip install "
            "'.[edge]'; or choose another back end"
        )
    # What is located here is nobody else's business: recent Linux builds write an
    # identifier below the home directory and upload events, unless this is set before
    # they are loaded (onnxruntime pull request 27379).
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    if onnx_probe.NAME not in sys.modules:
        verdict = onnx_probe.probe(cache)
        if verdict.harm:
            again = verdict.remembered_in
            raise BackendError(
                f"importing onnxruntime {verdict.harm} on this machine; choose another "
                "back end"
                + (f", or delete {again} to have it tried again" if again else "")
            )
    try:
        import onnxruntime
    except Exception as error:  # another numpy, a library that is missing, anything
        raise BackendError(
            f"onnxruntime is installed but cannot be imported: {error}; reinstall it, "
            "or choose another back end"
        ) from error
    return onnxruntime


class Session:
    """A graph, ready to run on one thread."""

    def __init__(self, graph: bytes, name: str) -> None:
        """Load the graph.

        Args:
            graph: ONNX model.
            name: Of its file, for errors.

        Raises:
            BackendError: As of `load`.
            BundleError: ONNX Runtime refuses the graph.
        """
        onnxruntime = load()
        options = onnxruntime.SessionOptions()
        # One small image at a time: a second thread would only spin.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._name, self._version = name, onnxruntime.__version__
        try:
            self._session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
            self._outputs = [output.name for output in self._session.get_outputs()]
        except Exception as error:  # its errors share no base of their own
            raise BundleError(
                f"onnxruntime {self._version} refuses the bundle's graph {name}: "
                f"{error}"
            ) from error

    def run(
        self, feeds: Mapping[str, npt.NDArray[Any]], outputs: Sequence[str] = ()
    ) -> dict[str, npt.NDArray[Any]]:
        """Return outputs by name, all of them unless some are named.

        Raises:
            BundleError: The graph does not take these inputs, or fails.
        """
        names = list(outputs) or self._outputs
        try:
            values = self._session.run(names, feeds)
        except Exception as error:
            raise BundleError(
                f"onnxruntime {self._version} cannot run the bundle's graph "
                f"{self._name}: {error}"
            ) from error
        return dict(zip(names, map(np.asarray, values), strict=True))
