"""Hold a bundle's graphs to NumPy with whatever onnxruntime is installed here.

    PYTHONPATH=. python scripts/graph_parity.py BUNDLE

Needs numpy and onnxruntime alone. One gradient step on random shots and predictions, as
at export; and the bundle's golden task, which is an adaptation of many steps.
"""

import sys
from pathlib import Path

import numpy as np

from edge_agent.bundles import golden
from edge_agent.bundles.bundle import Bundle
from edge_agent.errors import AgentError
from edge_agent.learning import onnx_runtime
from edge_agent.learning.backends import Backend
from export.parity import check_parity


def main(arguments: list[str]) -> int:
    """Print what was found; 0 if all is as it should be, 1 if not, 2 without a name."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python scripts/graph_parity.py BUNDLE\n")
        return 2
    try:
        bundle = Bundle.load(Path(arguments[0]))
        version = onnx_runtime.load().__version__
        found = f"onnxruntime {version}, numpy {np.__version__}"
        largest = check_parity(bundle)
        failures = golden.check(bundle, Backend.ONNXRUNTIME).failures
    except AgentError as error:
        sys.stderr.write(f"graph_parity: {error}\n")
        return 1
    for failure in failures:
        sys.stderr.write(f"graph_parity: {found}: {failure}\n")
    sys.stdout.write(f"{found}: one step and predictions differ by {largest:.1e}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
