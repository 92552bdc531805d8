"""A layer in C, where that was built: `learning.layer` several times as fast.

Without a compiler at installation there is no kernel, and NumPy computes.
"""

from collections.abc import Callable

import numpy as np

from edge_agent.learning.layer import Array, LayerGradient, LayerOutput

try:
    from edge_agent.learning import _layer

    AVAILABLE = True
except ImportError:
    AVAILABLE = False


def targets() -> tuple[str, ...]:
    """Return what the kernel was compiled for and runs here, the fastest first."""
    return tuple(_layer.targets()) if AVAILABLE else ()


class NativeLayer:
    """`Layer` in C."""

    def __init__(self, target: str | None = None) -> None:
        """Choose.

        Args:
            target: One of `targets`; the fastest when None.

        Raises:
            ValueError: There is no kernel, or it does not run here.
        """
        known = targets()
        if not known:
            raise ValueError("the C kernel was not built: no compiler at installation")
        if target is not None and target not in known:
            raise ValueError(f"target {target!r} does not run here: {', '.join(known)}")
        self._target = target or known[0]
        self.name = f"native {self._target}"

    def forward(
        self, x: Array, weight: Array, bias: Array, *, halve: bool
    ) -> LayerOutput:
        """Return the layer of some images, with their own moments."""
        n, _, height, width = x.shape
        n_out, divisor = len(weight), 2 if halve else 1
        y = np.empty((n, n_out, height, width), x.dtype)
        values = np.empty((n, n_out, height // divisor, width // divisor), x.dtype)
        mean, variance = np.empty(n_out), np.empty(n_out)
        x, weight, bias = map(np.ascontiguousarray, (x, weight, bias))
        _layer.forward(self._target, x, weight, bias, y, values, mean, variance, halve)
        return LayerOutput(values, mean.astype(x.dtype), variance.astype(x.dtype), y)

    def backward(
        self,
        x: Array,
        weight: Array,
        y: Array,
        of_values: Array,
        level: Array,
        slope: Array,
        *,
        halve: bool,
        needs_x: bool,
    ) -> LayerGradient:
        """Return the gradients."""
        of_x = np.empty(x.shape, x.dtype) if needs_x else None
        of_weight, of_bias = np.empty(weight.shape), np.empty(len(weight))
        _layer.backward(
            self._target,
            np.ascontiguousarray(x),
            np.ascontiguousarray(weight),
            y,
            np.ascontiguousarray(of_values),
            np.ascontiguousarray(level),
            np.ascontiguousarray(slope),
            of_x,
            of_weight,
            of_bias,
            halve,
        )
        return LayerGradient(of_x, of_weight.astype(x.dtype), of_bias.astype(x.dtype))

    def frozen(
        self, weight: Array, bias: Array, gain: Array, offset: Array, *, halve: bool
    ) -> Callable[[Array], Array]:
        """Return the function from x to ``gain * p + offset``, filter by filter."""
        target, n_out, divisor = self._target, len(weight), 2 if halve else 1
        packed = np.empty(weight.shape, weight.dtype)
        _layer.pack(target, np.ascontiguousarray(weight), packed)
        bias, gain, offset = map(np.ascontiguousarray, (bias, gain, offset))

        def layer(x: Array) -> Array:
            n, _, height, width = x.shape
            values = np.empty((n, n_out, height // divisor, width // divisor), x.dtype)
            x = np.ascontiguousarray(x)
            _layer.predict(target, x, packed, bias, gain, offset, values, halve)
            return values

        return layer
