"""What computes on the device, and which of it is used.

                   adapting                       predicting
    onnxruntime    the graph adapt.onnx           the graph predict.onnx
    kernel         `edge_agent.layer_kernel`, compiled C
    numpy          `edge_agent.layer`

All read the same bundle and give the same numbers, to about 1e-5: the order of
summation differs.
"""

from collections.abc import Callable
from enum import StrEnum

from edge_agent import layer_kernel, onnx_runtime
from edge_agent.errors import BackendError
from edge_agent.onnx_runtime import NotInstalledError


class Backend(StrEnum):
    """What computes predictions and gradient steps."""

    AUTO = "auto"
    """The fastest that is there; see `for_adapting`, `for_predicting`."""

    ONNXRUNTIME = "onnxruntime"
    KERNEL = "kernel"
    NUMPY = "numpy"


def for_adapting(wanted: Backend, on_caution: Callable[[str], None]) -> Backend:
    """Return what takes the gradient steps: the kernel, else ONNX Runtime, else NumPy.

    Args:
        wanted: Returned unless AUTO.
        on_caution: Called with a sentence where something that is installed is not
            used, because it would crash.

    Raises:
        BackendError: What is wanted is not there.
    """
    return _choose(wanted, (Backend.KERNEL, Backend.ONNXRUNTIME), on_caution)


def for_predicting(wanted: Backend, on_caution: Callable[[str], None]) -> Backend:
    """Return what predicts: ONNX Runtime, else the kernel, else NumPy.

    Args and errors as of `for_adapting`.
    """
    return _choose(wanted, (Backend.ONNXRUNTIME, Backend.KERNEL), on_caution)


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
