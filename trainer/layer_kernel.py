"""A layer of the network, compiled on this machine: `trainer.operations.layer` in C.

The source is that of the device, `edge_agent/learning/layer_kernel.c`.

    ClassificationModel(architecture, layer=compile_layer())

Image by image: convolution, ReLU, moments and maxima while an image is in the caches,
where torch makes a dozen passes over all images forwards, and more backwards. That, not
arithmetic, is what the layers of a small network cost. torch.compile, tried first,
gains less, and takes 20 s per shape of a batch; this takes a second, for all of them.

On processors, in single and double precision, and differentiable once: other devices,
and second-order gradients, are for `trainer.operations`.
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

from edge_agent import learning
from trainer.errors import CompilerError
from trainer.operations import Layer, LayerOutput

_SOURCE = Path(learning.__file__).with_name("layer_kernel.c")
_OPTIONS = (
    "-O3 -march=native -fopenmp-simd -ffp-contract=fast -fno-math-errno "
    "-fno-trapping-math -shared -fPIC"
)
_SUFFIXES = {torch.float32: "float", torch.float64: "double"}


class _Context(Protocol):
    halve: bool
    library: ctypes.CDLL

    @property
    def needs_input_grad(self) -> tuple[bool, ...]: ...

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]: ...

    def save_for_backward(self, *tensors: Tensor) -> None: ...


def compile_layer(compiler: str | None = None) -> Layer:
    """Compile `trainer.operations.layer` for this processor.

    Args:
        compiler: Command; ``$CC`` or ``cc`` when None.

    Raises:
        CompilerError: There is none, it fails, or what it makes is no library.
    """
    library = _compile(_words(compiler or os.environ.get("CC") or "cc"))

    def layer(
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        *,
        halve: bool,
        frozen: tuple[Tensor, Tensor] | None,
    ) -> LayerOutput:
        if x.device.type != "cpu" or x.dtype not in _SUFFIXES:
            raise TypeError(f"compiled for processors, not {x.dtype} on {x.device}")
        _check(x, weight, bias)
        values, mean, variance = _Layer.apply(  # type: ignore[no-untyped-call]
            x, weight, bias, halve, library
        )
        return LayerOutput(values, *((mean, variance) if frozen is None else frozen))

    return layer


class _Layer(Function):
    @staticmethod
    def forward(
        ctx: _Context,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        halve: bool,
        library: ctypes.CDLL,
    ) -> tuple[Tensor, Tensor, Tensor]:
        x, weight, bias = x.contiguous(), weight.contiguous(), bias.contiguous()
        n, n_in, height, width = x.shape
        n_out, divisor = len(weight), 2 if halve else 1
        y = x.new_empty((n, n_out, height, width))
        values = x.new_empty((n, n_out, height // divisor, width // divisor))
        mean = torch.empty(n_out, dtype=torch.float64)
        variance = torch.empty_like(mean)
        tensors = (x, weight, bias, y, values, mean, variance)
        _call(library, "forward", tensors, (n, n_in, n_out, height, width), halve)
        mean, variance = mean.to(x.dtype), variance.to(x.dtype)
        ctx.save_for_backward(x, weight, y, mean)
        ctx.halve, ctx.library = halve, library
        return values, mean, variance

    @staticmethod
    @once_differentiable
    def backward(
        ctx: _Context, *gradients: Tensor
    ) -> tuple[Tensor | None, Tensor, Tensor, None, None]:
        of_values, of_mean, of_variance = gradients
        x, weight, y, mean = ctx.saved_tensors
        n, n_in, height, width = x.shape
        n_out, count = len(weight), n * height * width
        # ∂mean/∂r = 1/n and ∂variance/∂r = 2 (r - mean) / n
        slope = of_variance * (2 / count)
        level = of_mean / count - mean * slope
        of_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        of_weight = torch.empty(weight.shape, dtype=torch.float64)
        of_bias = torch.empty(n_out, dtype=torch.float64)
        tensors = (
            *(x, weight, y, of_values.contiguous(), level, slope),
            *(of_x, of_weight, of_bias),
        )
        shape = (n, n_in, n_out, height, width)
        _call(ctx.library, "backward", tensors, shape, ctx.halve)
        return of_x, of_weight.to(x.dtype), of_bias.to(x.dtype), None, None


def _check(x: Tensor, weight: Tensor, bias: Tensor) -> None:
    """Check what the kernel relies on, before it is handed addresses."""
    fits = (
        x.ndim == 4
        and weight.shape == (len(bias), x.shape[1], 3, 3)
        and bias.ndim == 1
        and len({t.dtype for t in (x, weight, bias)}) == 1
        and len({t.device for t in (x, weight, bias)}) == 1
    )
    if not fits:
        raise ValueError(
            f"images {x.dtype} {tuple(x.shape)}, weights {weight.dtype} "
            f"{tuple(weight.shape)}, bias {bias.dtype} {tuple(bias.shape)} do not fit"
        )


_REMEDY = "name a C compiler in CC, or do without --compile"


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise CompilerError(
            f"no C compiler: {command!r} is not a command ({error}); {_REMEDY}"
        ) from error


def _compile(compiler: list[str]) -> ctypes.CDLL:
    if not compiler or shutil.which(compiler[0]) is None:
        raise CompilerError(
            f"no C compiler: {' '.join(compiler)!r} is not a command; install one (on "
            "Debian: apt install gcc), name it in CC, or do without --compile"
        )
    with tempfile.TemporaryDirectory(prefix="metaloc-") as folder:
        target = Path(folder) / "layer_kernel.so"
        command = [*compiler, *_OPTIONS.split(), "-o", str(target), str(_SOURCE)]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            if done.returncode:
                raise CompilerError(
                    f"{shlex.join(command)} failed: {done.stderr.strip()[-500:]}; "
                    f"{_REMEDY}"
                )
            return ctypes.CDLL(str(target))
        except OSError as error:
            raise CompilerError(
                f"{shlex.join(command)} made nothing that can be loaded ({error}); "
                f"{_REMEDY}"
            ) from error


def _call(
    library: ctypes.CDLL,
    name: str,
    tensors: tuple[Tensor | None, ...],
    shape: tuple[int, ...],
    halve: bool,
) -> None:
    """Call a function of the kernel; the tensors are contiguous and of its sizes.

    Raises:
        MemoryError: There is none left.
    """
    first = tensors[0]
    assert first is not None
    failed = getattr(library, f"{name}_{_SUFFIXES[first.dtype]}")(
        *(ctypes.c_void_p(None if t is None else t.data_ptr()) for t in tensors),
        *(ctypes.c_ssize_t(size) for size in shape),
        ctypes.c_int(halve),
    )
    if failed:
        raise MemoryError(f"a layer of {shape} does not fit into memory")
