"""Where initializers lie in a file, against what onnx reads."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.raw_data import locate_raw_data


def model_of(*initializers):
    graph = helper.make_graph([], "a graph", [], [], list(initializers))
    return helper.make_model(graph, producer_name="someone", ir_version=8)


def test_the_bytes_are_those_of_each_initializer(rng):
    arrays = {f"a{n}": rng.normal(size=n).astype(np.float32) for n in (1, 40, 50_000)}
    arrays["whole numbers"] = np.arange(7)
    model = model_of(*(numpy_helper.from_array(a, name) for name, a in arrays.items()))
    data = model.SerializeToString()

    where = locate_raw_data(data)

    assert where.keys() == arrays.keys()
    for name, array in arrays.items():
        assert data[where[name].start : where[name].stop] == array.tobytes()


def test_numbers_that_are_not_raw_have_no_place():
    packed = helper.make_tensor("packed", TensorProto.FLOAT, [2], [1.0, 2.0])

    assert locate_raw_data(model_of(packed).SerializeToString()) == {}


def test_fields_of_every_size_are_passed_over():
    """Of 1, 4 and 8 bytes, which an ONNX model hardly has but may have."""
    inner = b"\x42\x01x" + b"\x4a\x02AB"  # name x, raw_data AB
    graph = b"\x2a" + bytes([len(inner)]) + inner
    fixed = b"\x0d1234" + b"\x1112345678" + b"\x18\x96\x01"
    data = fixed + b"\x3a" + bytes([len(graph)]) + graph

    found = locate_raw_data(data)

    assert data[found["x"].start : found["x"].stop] == b"AB"


def test_a_type_of_field_that_is_no_more_is_refused():
    with pytest.raises(ValueError, match="field 1 is of type 3"):
        locate_raw_data(b"\x0b")


def test_a_model_without_a_graph_holds_nothing():
    assert locate_raw_data(onnx.ModelProto(ir_version=8).SerializeToString()) == {}
