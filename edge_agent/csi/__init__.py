"""From bytes on the wire to CSI images: numpy and nothing else.

The one implementation that training and the device both use. No sockets, threads or
clocks. Reading order: raw, link, header, decode, subcarriers, image.
"""

from edge_agent.csi.capture_format import CaptureFormatError, CaptureReader
from edge_agent.csi.decode import Decoded, Decoder
from edge_agent.csi.frame import NO_RSSI, FrameBatch, Generation
from edge_agent.csi.image import Channel, CsiImage, ImageBuilder, ImageSpec
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.raw import RawFrames
from edge_agent.csi.refusal import Refusal
from edge_agent.csi.similarity import HistogramIndex, image_histogram

__all__ = [
    "NO_RSSI",
    "CaptureFormatError",
    "CaptureReader",
    "Channel",
    "CsiImage",
    "Decoded",
    "Decoder",
    "FrameBatch",
    "Generation",
    "HistogramIndex",
    "ImageBuilder",
    "ImageSpec",
    "IqOrder",
    "RawFrames",
    "Refusal",
    "image_histogram",
]
