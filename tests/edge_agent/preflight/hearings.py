"""What was heard, put together by hand."""

from collections import Counter
from dataclasses import replace

from edge_agent.csi.image import Channel, ImageSpec
from edge_agent.csi.subcarriers import FrameFormat, Phy
from edge_agent.preflight.hearing import Hearing

LEGACY = FrameFormat(64, Phy.LEGACY, 1, overwritten=True)
VHT_80 = FrameFormat(256, Phy.VHT, 15, overwritten=True)
A, B, C = (Channel(f"dc:a6:32:01:02:0{n}", 0, LEGACY, has_rssi=True) for n in (1, 2, 3))
ON_36, ON_40, ON_36_80 = 0xD024, 0xD028, 0xE02A

SPEC = ImageSpec(n_packets=50, n_tones=52, n_channels=3)


def hearing(rates, *, listened_s=3.0, chanspecs=None, refused=(), **overrides):
    """What was heard where channels have these frames per second."""
    frames = Counter({c: round(rate * listened_s) for c, rate in rates.items()})
    refused = Counter(refused)
    heard = Hearing(
        listened_s,
        frames.total() + refused.total(),
        frames,
        Counter({ON_36: frames.total()} if chanspecs is None else chanspecs),
        refused,
        None,
        has_ended=False,
    )
    return replace(heard, **overrides)
