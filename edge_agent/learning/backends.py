"""What computes on the device, and which of it is used.

    kernel         `edge_agent.learning.layer_kernel`, the network in compiled C
    onnxruntime    the bundle's graphs adapt.onnx and predict.onnx
    numpy          `edge_agent.learning.layer`, the network in NumPy

All read the same bundle and give the same numbers, to about 1e-5: the order of
summation differs. CPU time relative to torch on one core (Xeon with AVX-512, images of
3x50x52; `benchmarks` measures it anew), of ten steps on 30 images and of a prediction:

    filters          10, 20, 20, 32    32, 32, 32, 32
    kernel             0.28   0.21       0.30   0.19
    onnxruntime        0.85   0.34       0.79   0.18
    numpy              0.97   0.74       0.89   0.56

And where there is the kernel onnxruntime need not be imported, which takes 20 MB and
the fraction of a second in which `edge_agent adapt` is nearly done.
"""

from collections.abc import Callable
from enum import StrEnum

from edge_agent.errors import BackendError
from edge_agent.learning import layer_kernel, onnx_runtime
from edge_agent.learning.onnx_runtime import NotInstalledError


class Backend(StrEnum):
    """What computes predictions and gradient steps."""

    AUTO = "auto"
    """The kernel, else ONNX Runtime, else NumPy."""

    ONNXRUNTIME = "onnxruntime"
    KERNEL = "kernel"
    NUMPY = "numpy"


_FOR_ADAPTING = (Backend.KERNEL, Backend.ONNXRUNTIME)
_FOR_PREDICTING = (Backend.KERNEL, Backend.ONNXRUNTIME)
"""What is tried before NumPy, the best first. The same today, by measurement only."""


def for_adapting(
    wanted: Backend, on_caution: Callable[[str], None] = lambda _caution: None
) -> Backend:
    """Return what is to take the gradient steps: it is there, and it is not AUTO.

    Args:
        wanted: Returned unless AUTO.
        on_caution: Called with a sentence where something that is installed is passed
            over, because it does not work.

    Raises:
        BackendError: What is wanted is not there or does not work.
    """
    return _choose(wanted, _FOR_ADAPTING, on_caution)


def for_predicting(
    wanted: Backend, on_caution: Callable[[str], None] = lambda _caution: None
) -> Backend:
    """Return what is to predict; arguments and errors as of `for_adapting`."""
    return _choose(wanted, _FOR_PREDICTING, on_caution)


def _choose(
    wanted: Backend, order: tuple[Backend, ...], on_caution: Callable[[str], None]
) -> Backend:
    if wanted is not Backend.AUTO:
        _require(wanted)
        return wanted
    for backend in order:
        try:
            _require(backend)
        except NotInstalledError:
            continue
        except BackendError as error:
            on_caution(str(error))
        else:
            return backend
    return Backend.NUMPY


def _require(backend: Backend) -> None:
    if backend is Backend.ONNXRUNTIME:
        onnx_runtime.load()
    elif backend is Backend.KERNEL and not layer_kernel.AVAILABLE:
        raise NotInstalledError(
            "the C kernel was not built, for want of a compiler at installation: "
            "install one (on Debian: apt install gcc) and MetaLoc again, or choose "
            "another back end"
        )
