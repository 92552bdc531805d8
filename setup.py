"""The C kernels, which setuptools cannot yet describe in pyproject.toml as optional.

Without a compiler the build goes on without them, and so does the package, more slowly.
METALOC_PURE=1 leaves them out on purpose: the wheel then fits every machine.
"""

import os

from setuptools import Extension, setup

_REAL_NUMBERS = [
    "-g0",  # functions for three kinds of processors are large enough
    "-fopenmp-simd",  # sums in any order, where the source says so; no OpenMP
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
]


def extension(name: str, options: list[str], depends: list[str]) -> Extension:
    """Return an extension whose one source lies where its module will be."""
    return Extension(
        name,
        [name.replace(".", "/") + ".c"],
        extra_compile_args=["-O3", *options],
        depends=depends,
        define_macros=[("Py_LIMITED_API", "0x030B0000")],
        py_limited_api=True,
        optional=True,
    )


kernels = [
    extension("edge_agent.csi._kernel", [], []),
    extension(
        "edge_agent.learning._layer",
        _REAL_NUMBERS,
        ["edge_agent/learning/layer_kernel.c"],
    ),
]
setup(
    ext_modules=[] if os.environ.get("METALOC_PURE") else kernels,
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
