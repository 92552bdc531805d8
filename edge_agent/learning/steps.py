"""The gradient step on a site's shots, by the back end that is chosen."""

from collections.abc import Callable

from edge_agent.bundles.bundle import ADAPT, Bundle
from edge_agent.learning.adaptation import Step
from edge_agent.learning.backends import Backend, for_adapting
from edge_agent.learning.layer_kernel import NativeLayer
from edge_agent.learning.layer_step import LayerStep
from edge_agent.learning.onnx_step import OnnxStep
from edge_agent.learning.support import Support


def make_step(
    bundle: Bundle,
    support: Support,
    backend: Backend = Backend.AUTO,
    *,
    on_caution: Callable[[str], None] = lambda _caution: None,
) -> Step:
    """Return the gradient step of a bundle's network.

    Args:
        bundle: The model.
        support: The shots.
        backend: What computes.
        on_caution: As of `edge_agent.learning.backends.for_adapting`.

    Raises:
        BackendError: What was asked for is not there or cannot be used.
        BundleError: ONNX Runtime refuses the graph.
        ValueError: Images of another shape.
    """
    architecture = bundle.manifest.architecture
    chosen = for_adapting(backend, on_caution)
    if chosen is Backend.ONNXRUNTIME:
        return OnnxStep(bundle.files.content(ADAPT), architecture, support)
    layer = NativeLayer() if chosen is Backend.KERNEL else None
    return LayerStep(architecture, support, layer)
