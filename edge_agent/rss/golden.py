"""golden.npz of ``kind: rss``: a small task, and what the network must make of it.

    inputs            (n, 3 K)  float32   the support set
    targets           (n, 2)    float32
    weights           (n,)      float32   0: padding
    origins           (n, 2)    float64   [m]
    expected.loss     ()        float64   L(θ*)
    expected.after.<parameter>  float64   θ* - alpha ∇L(θ*), `digest` of it
    expected.losses   (Q+1,)    float64   of all steps
    expected.located  (n, 2)    float64   where the inputs are after them [m]

Written by `export.rss_golden` in double precision and by autograd. One step must agree
to 1e-5. After all steps, losses must agree to 1 %, and locations to a centimetre: a
unit that switches the other way in single precision moves them by less.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import Arrays, ArraysError, pack_arrays, unpack_arrays
from edge_agent.bundles.golden import Difference
from edge_agent.bundles.golden_file import GOLDEN, digest
from edge_agent.errors import BundleError
from edge_agent.rss.bundle import RssBundle
from edge_agent.rss.fingerprints import LENGTH_M
from edge_agent.rss.network import (
    Examples,
    RssArchitecture,
    adapt,
    regress,
    step,
)

STEP_TOLERANCE = 1e-5
"""Of the single step."""

LOSS_TOLERANCE = 0.01
"""Of the losses of all steps, relative."""

LOCATION_TOLERANCE_M = 0.01

_SCHEMA = "metaloc.rss-golden/1"
_MAX_BYTES = 4 << 20
_MAX_EXAMPLES, _MAX_STEPS = 256, 100

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RssGolden:
    """Task and expectation."""

    examples: Examples
    origins: Doubles
    """[m], shape (n, 2)."""

    loss: float
    after: dict[str, Doubles]
    """`digest` of each parameter after one step."""

    losses: Doubles
    """Before each step and after the last, shape (Q + 1,)."""

    located: Doubles
    """[m], shape (n, 2)."""

    def to_bytes(self) -> bytes:
        """Return the file."""
        arrays: Arrays = {
            "inputs": self.examples.inputs,
            "targets": self.examples.targets,
            "weights": self.examples.weights,
            "origins": self.origins,
            "expected.loss": np.array(self.loss),
            "expected.losses": self.losses,
            "expected.located": self.located,
        }
        for name, values in self.after.items():
            arrays[f"expected.after.{name}"] = values
        return pack_arrays({"schema": _SCHEMA}, arrays)

    @classmethod
    def from_bytes(cls, data: bytes, architecture: RssArchitecture) -> Self:
        """Read the file and check that it fits a network.

        Raises:
            BundleError: It is damaged, of another schema or network, or too large.
        """
        try:
            _, arrays = unpack_arrays(data, schema=_SCHEMA, max_bytes=_MAX_BYTES)
            return cls._from_arrays(arrays, architecture)
        except (ArraysError, KeyError, TypeError, ValueError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else error
            raise BundleError(f"{GOLDEN}: {reason}") from error

    @classmethod
    def _from_arrays(cls, arrays: Arrays, architecture: RssArchitecture) -> Self:
        n = len(arrays["inputs"])
        if not 1 <= n <= _MAX_EXAMPLES:
            raise ValueError(f"has {n} examples, not 1 to {_MAX_EXAMPLES}")

        def array(name: str, *shape: int) -> npt.NDArray[np.floating]:
            values = arrays[name]
            if values.shape != shape or values.dtype.kind != "f":
                raise ValueError(
                    f"{name} is {values.dtype} {values.shape}, expected numbers of "
                    f"shape {shape}"
                )
            return values

        losses = arrays["expected.losses"]
        if losses.ndim != 1 or not 1 <= len(losses) <= _MAX_STEPS + 1:
            raise ValueError(f"expected.losses has shape {losses.shape}")
        return cls(
            Examples(
                array("inputs", n, architecture.n_inputs).astype(np.float32),
                array("targets", n, 2).astype(np.float32),
                array("weights", n).astype(np.float32),
            ),
            array("origins", n, 2).astype(np.float64),
            float(array("expected.loss")),
            {
                name: array(f"expected.after.{name}", 16).astype(np.float64)
                for name in architecture.parameter_shapes()
            },
            losses.astype(np.float64),
            array("expected.located", n, 2).astype(np.float64),
        )


def check(bundle: RssBundle) -> tuple[Difference, ...]:
    """Repeat a bundle's golden task, and return how far off it is, by quantity.

    Raises:
        BundleError: There is no golden file, or it is damaged or of another network.
    """
    manifest = bundle.manifest
    golden = RssGolden.from_bytes(bundle.files.content(GOLDEN), manifest.architecture)
    with np.errstate(all="ignore"):  # what is no number is not allowed
        return _differences(bundle, golden)


def _differences(bundle: RssBundle, golden: RssGolden) -> tuple[Difference, ...]:
    manifest = bundle.manifest
    loss, after = step(bundle.parameters, golden.examples, manifest.adaptation.alpha)
    try:
        adapted, losses = adapt(
            bundle.parameters,
            golden.examples,
            alpha=manifest.adaptation.alpha,
            n_steps=len(golden.losses) - 1,
        )
        located = golden.origins + LENGTH_M * regress(adapted, golden.examples.inputs)
    except ValueError:  # its loss is no number
        losses = (np.nan,) * len(golden.losses)
        located = np.full_like(golden.located, np.nan)
    return (
        Difference("loss", abs(loss - golden.loss), STEP_TOLERANCE),
        Difference(
            "parameters after a step",
            _most([digest(after[k]) - v for k, v in golden.after.items()]),
            STEP_TOLERANCE,
        ),
        Difference(
            "losses while adapting",
            _most([(np.array(losses) - golden.losses) / golden.losses.max()]),
            LOSS_TOLERANCE,
        ),
        Difference(
            "locations after adapting [m]",
            _most([located - golden.located]),
            LOCATION_TOLERANCE_M,
        ),
    )


def _most(differences: list[npt.NDArray[np.floating]]) -> float:
    return float(np.max([np.abs(d).max() for d in differences]))
