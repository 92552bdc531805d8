"""What computes on the device."""

from enum import StrEnum


class Backend(StrEnum):
    """What computes predictions and gradient steps."""

    AUTO = "auto"
    """The fastest that is there."""

    ONNXRUNTIME = "onnxruntime"
    NUMPY = "numpy"
