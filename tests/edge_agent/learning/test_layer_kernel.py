"""The C kernel: no trust in its caller, and not needed."""

import shutil
import subprocess
import sys
import sysconfig
import threading
import time
import tracemalloc

import numpy as np
import pytest

from edge_agent.learning import layer_kernel
from edge_agent.learning.layer_kernel import NativeLayer, targets
from tests.conftest import ROOT
from tests.edge_agent.layers import needs_kernel

SOURCES = ("edge_agent/learning/layer_kernel.c", "edge_agent/learning/_layer.c")


def unaligned(array):
    """A copy that begins one byte behind where it should."""
    data = np.zeros(array.nbytes + 1, np.uint8)
    copy = data[1:].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def arguments(function, dtype=np.float32):
    """Arguments that fit; two channels, three filters, halved."""
    x, weight = np.ones((2, 2, 5, 7), dtype), np.ones((3, 2, 3, 3), dtype)
    y, values = np.zeros((2, 3, 5, 7), dtype), np.zeros((2, 3, 2, 3), dtype)
    each = [np.ones(3, dtype) for _ in range(3)]
    double = [np.zeros(3), np.zeros(3)]
    return {
        "forward": {"x": x, "weight": weight, "bias": each[0], "y": y, "values": values}
        | {"mean": double[0], "variance": double[1], "halve": True},
        "backward": {"x": x, "weight": weight, "y": y, "of_values": values}
        | {"level": each[0], "slope": each[1], "of_x": np.zeros_like(x)}
        | {"of_weight": np.zeros((3, 2, 3, 3)), "of_bias": double[0], "halve": True},
        "predict": {"x": x, "packed": weight, "bias": each[0], "gain": each[1]}
        | {"offset": each[2], "values": values, "halve": True},
        "pack": {"weight": weight, "packed": np.zeros_like(weight)},
    }[function]


def call(function, target="baseline", /, **changes):
    given = arguments(function) | changes
    from edge_agent.learning import _layer

    getattr(_layer, function)(target, *given.values())


FUNCTIONS = pytest.mark.parametrize(
    "function", ["forward", "backward", "predict", "pack"]
)
ARRAYS = pytest.mark.parametrize(
    ("function", "name"),
    [
        (function, name)
        for function in ("forward", "backward", "predict", "pack")
        for name in arguments(function)
        if name != "halve"
    ],
)
WRITTEN = {
    "forward": ("y", "values", "mean", "variance"),
    "backward": ("of_x", "of_weight", "of_bias"),
    "predict": ("values",),
    "pack": ("packed",),
}

# -- no trust --------------------------------------------------------------------------


@needs_kernel
@FUNCTIONS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_fits_is_computed(function, dtype):
    call(function, **arguments(function, dtype))


@needs_kernel
@ARRAYS
def test_an_array_of_another_type_is_refused(function, name):
    array = arguments(function)[name]
    foreign = ">f4" if array.dtype == np.float32 else ">f8"
    others = [
        np.float64 if array.dtype == np.float32 else np.float32,
        np.int32,
        foreign,
    ]
    if name in ("x", "weight") and len(arguments(function)) > 2:
        others.append("V4")
    for other in others:
        with pytest.raises(TypeError, match=r"holds '.*', expected aligned '[fd]'"):
            call(function, **{name: np.zeros(array.shape, other)})


@needs_kernel
@ARRAYS
def test_an_array_of_another_shape_is_refused(function, name):
    array = arguments(function)[name]
    for axis in range(array.ndim):
        for change in (-2, 2):  # one row more may be an edge that drops
            shape = list(array.shape)
            shape[axis] = max(0, shape[axis] + change)
            with pytest.raises(ValueError, match=r"has size \d+, expected \d+"):
                call(function, **{name: np.zeros(shape, array.dtype)})
    for shape in ((1, *array.shape), array.shape[1:]):
        with pytest.raises(ValueError, match=r"has \d axes, expected \d"):
            call(function, **{name: np.zeros(shape, array.dtype)})


@needs_kernel
@ARRAYS
def test_an_array_that_is_not_in_one_piece_is_refused(function, name):
    array = arguments(function)[name]
    apart = np.repeat(array, 2, axis=-1)[..., ::2]
    assert apart.shape == array.shape

    with pytest.raises((ValueError, BufferError), match="not C-contiguous"):
        call(function, **{name: apart})


@needs_kernel
@ARRAYS
def test_an_array_that_is_not_aligned_is_refused(function, name):
    with pytest.raises(TypeError, match="expected aligned"):
        call(function, **{name: unaligned(arguments(function)[name])})


@needs_kernel
def test_other_buffers_must_be_aligned_as_well():
    three = memoryview(bytearray(13))
    call("forward", bias=three[:12].cast("f"))

    with pytest.raises(TypeError, match="bias holds 'f', expected aligned 'f'"):
        call("forward", bias=three[1:].cast("f"))


@needs_kernel
@FUNCTIONS
def test_nothing_is_written_to_what_may_not_be_written_to(function):
    for name in WRITTEN[function]:
        with pytest.raises((ValueError, BufferError), match="read-only"):
            call(function, **{name: read_only(arguments(function)[name])})


@needs_kernel
@ARRAYS
def test_what_is_no_array_is_refused(function, name):
    for other in (7, "text"):
        with pytest.raises(TypeError):
            call(function, **{name: other})


@needs_kernel
@FUNCTIONS
def test_another_processor_s_code_is_not_run(function):
    with pytest.raises(
        ValueError, match="target sparc: this processor does not run it"
    ):
        call(function, "sparc")


@needs_kernel
@pytest.mark.parametrize(
    ("x", "reason"),
    [
        ((2, 0, 5, 7), "of 0 channels"),
        ((2, 2, 0, 7), "0 x 7 pixels"),
        ((2, 2, 5, 0), "5 x 0 pixels"),
        ((0, 2, 1 << 40, 7), "1099511627776 x 7 pixels"),
        ((0, 2, 5, 4097), "5 x 4097 pixels"),
        ((0, 1 << 50, 5, 7), "of 1125899906842624 channels"),
    ],
)
def test_impossible_sizes_are_refused(x, reason):
    """An empty array may claim any of them."""
    n, n_in, height, width = x
    with pytest.raises(ValueError, match=reason):
        call(
            "forward",
            x=np.zeros(x, np.float32),
            weight=np.zeros((0, n_in, 3, 3), np.float32),
            bias=np.zeros(0, np.float32),
            y=np.zeros((n, 0, height, width), np.float32),
        )


@needs_kernel
def test_no_image_is_no_work():
    values = (
        NativeLayer()
        .forward(
            *(np.zeros((0, 2, 4, 4)), np.zeros((3, 2, 3, 3)), np.zeros(3)), halve=True
        )
        .values
    )

    assert values.shape == (0, 3, 2, 2)


# -- what it is ------------------------------------------------------------------------


@needs_kernel
def test_every_machine_runs_the_baseline_and_the_fastest_is_taken():
    assert targets()[-1] == "baseline"
    assert len(set(targets())) == len(targets())
    assert NativeLayer().name == f"native {targets()[0]}"
    assert NativeLayer("baseline").name == "native baseline"


@needs_kernel
def test_a_target_that_does_not_run_here_is_refused_with_those_that_do():
    with pytest.raises(ValueError, match=r"'sparc' does not run here: .*baseline"):
        NativeLayer("sparc")


@needs_kernel
def test_any_layout_of_arrays_is_understood(rng):
    x = rng.normal(size=(2, 2, 6, 8))
    weight, bias = rng.normal(size=(3, 2, 3, 3)), rng.normal(size=6)[::2]
    turned = [array.T.copy().T for array in (x, weight)]
    layer = NativeLayer()

    plain = layer.forward(x, weight, bias.copy(), halve=True)
    other = layer.forward(*turned, bias, halve=True)

    for one, two in zip(plain, other, strict=True):
        np.testing.assert_array_equal(one, two)
    g = rng.normal(size=(2, 3, 3, 4))
    factors = (g.T.copy().T, bias, bias)
    back = [
        layer.backward(*given, plain.y, *factors, halve=True, needs_x=True)
        for given in ((x, weight), turned)
    ]
    for one, two in zip(*back, strict=True):
        np.testing.assert_array_equal(one, two)
    frozen = [
        layer.frozen(given[1], bias, bias, bias, halve=True)(given[0])
        for given in ((x, weight), turned)
    ]
    np.testing.assert_array_equal(*frozen)


@needs_kernel
def test_other_threads_run_meanwhile(rng):
    x, weight = rng.normal(size=(24, 8, 64, 64)), rng.normal(size=(64, 8, 3, 3))
    layer, bias = NativeLayer("baseline"), np.zeros(64)
    done = threading.Event()

    def compute():
        layer.forward(x, weight, bias, halve=True)
        done.set()

    thread = threading.Thread(target=compute)
    turns = [time.perf_counter()]
    thread.start()
    while not done.wait(0.001):
        turns.append(time.perf_counter())
    thread.join()

    # Who keeps the interpreter lets nobody else have a turn until the end.
    assert np.diff(turns).max() < 0.5 * (turns[-1] - turns[0])


@needs_kernel
def test_nothing_is_lost_between_calls():
    call("backward")
    tracemalloc.start()
    try:
        for _ in range(200):
            call("backward")
            with pytest.raises(TypeError):
                call("backward", y=7)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size < 20_000


# -- not needed ------------------------------------------------------------------------


def test_without_the_kernel_there_are_no_targets(monkeypatch):
    monkeypatch.setattr(layer_kernel, "AVAILABLE", False)

    assert targets() == ()
    with pytest.raises(ValueError, match="kernel was not built: no compiler at instal"):
        NativeLayer()


def test_the_package_works_where_the_kernel_was_not_built():
    script = (
        "import sys\n"
        "sys.modules['edge_agent.learning._layer'] = None\n"
        "import numpy as np\n"
        "from edge_agent.learning import layer_kernel\n"
        "from edge_agent.learning.adaptation import adapt\n"
        "from edge_agent.learning.layer_step import LayerStep\n"
        "from edge_agent.learning.network import Architecture\n"
        "from edge_agent.learning.support import Support\n"
        "assert not layer_kernel.AVAILABLE\n"
        "rng = np.random.default_rng(0)\n"
        "a = Architecture((1, 4, 4), (2, 2))\n"
        "theta = {k: rng.normal(1, 0.3, s) for k, s in a.parameter_shapes().items()}\n"
        "images = rng.integers(0, 256, (4, 1, 4, 4), np.uint8)\n"
        "s = Support.of(images, np.ones((4, 1), bool), np.arange(4) % 2, 2)\n"
        "step = LayerStep(a, s)\n"
        "adapt(theta, step, s, architecture=a, alpha=0.1, n_steps=2)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("compiler", ["cc", "clang", "aarch64-linux-gnu-gcc"])
def test_the_source_has_no_error_and_no_warning(compiler):
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}")
    done = subprocess.run(
        [
            *(
                compiler,
                "-fsyntax-only",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-fopenmp-simd",
            ),
            *("-DPy_LIMITED_API=0x030B0000", f"-I{sysconfig.get_path('include')}"),
            *SOURCES,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
