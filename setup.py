"""The C kernel, which setuptools cannot yet describe in pyproject.toml as optional.

Without a compiler the build goes on without it, and so does the package, more slowly.
METALOC_PURE=1 leaves it out on purpose: the wheel then fits every machine.
"""

import os

from setuptools import Extension, setup

kernel = Extension(
    "edge_agent.csi._kernel",
    ["edge_agent/csi/_kernel.c"],
    extra_compile_args=["-O3"],
    define_macros=[("Py_LIMITED_API", "0x030B0000")],
    py_limited_api=True,
    optional=True,
)
setup(
    ext_modules=[] if os.environ.get("METALOC_PURE") else [kernel],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
