"""Every way there is to compute a layer on this machine."""

import pytest

from edge_agent.learning import layer_kernel
from edge_agent.learning.layer import NumpyLayer
from edge_agent.learning.layer_kernel import NativeLayer, targets

needs_kernel = pytest.mark.skipif(
    not layer_kernel.AVAILABLE, reason="the C kernel was not built: no compiler"
)

_NATIVE = [pytest.param(NativeLayer(target), id=target) for target in targets()]
_MISSING = [pytest.param(None, id="native", marks=needs_kernel)]

each_layer = pytest.mark.parametrize(
    "layer", [pytest.param(NumpyLayer(), id="numpy"), *(_NATIVE or _MISSING)]
)
