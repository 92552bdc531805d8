"""What follows a convolution, compiled on this machine: `trainer.operations` in C.

    rectify = compile_rectify()
    ClassificationModel(architecture, rectify)

Forwards one pass over memory where torch makes ten, backwards one where it makes nine.
That, not arithmetic, is what the layers of a small network cost. torch.compile gains
no more, and takes 20 s per shape of a batch; this takes a second, for all of them.

On processors, in single and double precision, and differentiable once: other devices,
and second-order gradients, are for `trainer.operations.rectify`.
"""

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from trainer.errors import CompilerError
from trainer.operations import Rectified, Rectify

_SOURCE = Path(__file__).with_name("layer_kernel.c")
_OPTIONS = (
    "-O3 -march=native -fopenmp-simd -ffp-contract=fast -fno-math-errno "
    "-fno-trapping-math -shared -fPIC"
)
_SUFFIXES = {torch.float32: "float", torch.float64: "double"}


class _Context(Protocol):
    halve: bool
    library: ctypes.CDLL

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]: ...

    def save_for_backward(self, *tensors: Tensor) -> None: ...


def compile_rectify(compiler: str | None = None) -> Rectify:
    """Compile `trainer.operations.rectify` for this processor.

    Args:
        compiler: Command; ``$CC`` or ``cc`` when None.

    Raises:
        CompilerError: There is none, or it fails.
    """
    library = _compile(shlex.split(compiler or os.environ.get("CC") or "cc"))

    def rectify(
        y: Tensor, *, halve: bool, frozen: tuple[Tensor, Tensor] | None
    ) -> Rectified:
        if y.device.type != "cpu" or y.dtype not in _SUFFIXES:
            raise TypeError(f"compiled for processors, not {y.dtype} on {y.device}")
        values, mean, variance = _Rectify.apply(  # type: ignore[no-untyped-call]
            y, halve, library
        )
        return Rectified(values, *((mean, variance) if frozen is None else frozen))

    return rectify


class _Rectify(Function):
    @staticmethod
    def forward(
        ctx: _Context, y: Tensor, halve: bool, library: ctypes.CDLL
    ) -> tuple[Tensor, Tensor, Tensor]:
        n, n_filters, height, width = y.shape
        y = y.contiguous()
        divisor = 2 if halve else 1
        values = y.new_empty((n, n_filters, height // divisor, width // divisor))
        mean = torch.empty(n_filters, dtype=torch.float64)
        variance = torch.empty_like(mean)
        _call(library, "forward", (y, values, mean, variance), y.shape, halve)
        mean, variance = mean.to(y.dtype), variance.to(y.dtype)
        ctx.save_for_backward(y, mean)
        ctx.halve, ctx.library = halve, library
        return values, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, *gradients: Tensor) -> tuple[Tensor, None, None]:
        of_values, of_mean, of_variance = gradients
        y, mean = ctx.saved_tensors
        count = y.numel() // y.shape[1]
        # ∂mean/∂r = 1/n and ∂variance/∂r = 2 (r - mean) / n
        slope = of_variance * (2 / count)
        level = of_mean / count - mean * slope
        result = torch.empty_like(y)
        tensors = (y, of_values.contiguous(), level, slope, result)
        _call(ctx.library, "backward", tensors, y.shape, ctx.halve)
        return result, None, None


def _compile(compiler: list[str]) -> ctypes.CDLL:
    if not compiler or shutil.which(compiler[0]) is None:
        raise CompilerError(
            f"no C compiler: {' '.join(compiler)!r} is not a command; install one (on "
            "Debian: apt install gcc), name it in CC, or do without --compile"
        )
    with tempfile.TemporaryDirectory(prefix="metaloc-") as folder:
        target = Path(folder) / "layer_kernel.so"
        command = [*compiler, *_OPTIONS.split(), "-o", str(target), str(_SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CompilerError(
                f"{shlex.join(command)} failed: {done.stderr.strip()[-500:]}"
            )
        return ctypes.CDLL(str(target))


def _call(
    library: ctypes.CDLL,
    name: str,
    tensors: tuple[Tensor, ...],
    shape: torch.Size,
    halve: bool,
) -> None:
    """Call a function of the kernel; the tensors are contiguous and of its sizes."""
    function = getattr(library, f"{name}_{_SUFFIXES[tensors[0].dtype]}")
    function(
        *(ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors),
        *(ctypes.c_ssize_t(size) for size in shape),
        ctypes.c_int(halve),
    )
