"""Where the numbers of a serialised ONNX model's initializers lie.

onnx writes and reads models but does not say where in a file anything is. Three fields
of Protocol Buffers lead there (onnx.proto; numbers and types are part of the format):

    ModelProto   7 graph         length-delimited
    GraphProto   5 initializer   length-delimited, one each
    TensorProto  8 name, 9 raw_data

A field begins with number * 8 + type as a varint; then come, for type 0 a varint, for 1
and 5 eight and four bytes, for 2 a length as a varint and as many bytes.
"""

from collections.abc import Iterator

_GRAPH, _INITIALIZER, _NAME, _RAW_DATA = 7, 5, 8, 9
_FIXED_SIZES = {1: 8, 5: 4}


def locate_raw_data(model: bytes) -> dict[str, range]:
    """Return the bytes of each initializer that has raw data, by name.

    Args:
        model: As onnx serialised it.

    Raises:
        ValueError: A field is of a type that Protocol Buffers no longer have.
    """
    where: dict[str, range] = {}
    for graph in _fields(model, range(len(model)), _GRAPH):
        for initializer in _fields(model, graph, _INITIALIZER):
            for name in _fields(model, initializer, _NAME):
                for data in _fields(model, initializer, _RAW_DATA):
                    where[model[name.start : name.stop].decode()] = data
    return where


def _fields(data: bytes, within: range, wanted: int) -> Iterator[range]:
    """Yield the content of each length-delimited field of a number."""
    position = within.start
    while position < within.stop:
        tag, position = _varint(data, position)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            _, position = _varint(data, position)
        elif kind in _FIXED_SIZES:
            position += _FIXED_SIZES[kind]
        elif kind == 2:
            size, position = _varint(data, position)
            if number == wanted:
                yield range(position, position + size)
            position += size
        else:
            raise ValueError(f"field {number} is of type {kind}, not 0, 1, 2 or 5")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a number, seven bits to a byte, and where the next begins."""
    value = shift = 0
    while data[position] & 0x80:
        value |= (data[position] & 0x7F) << shift
        shift += 7
        position += 1
    return value | data[position] << shift, position + 1
