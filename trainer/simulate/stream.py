"""Frames for training, without files.

    for recorded in frames(Campaign("hall", n_points=9)):
        recorded.batch.csi      # complex64, (n, 64)
        recorded.point          # where

What is yielded is what `edge_agent.csi` decodes from the capture that
`trainer simulate` would write: the same code makes the bytes, and the same code reads
them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edge_agent.csi.decode import Decoder
from edge_agent.csi.frame import FrameBatch
from edge_agent.csi.iq_order import IqOrder
from edge_agent.survey import Point
from trainer.simulate.campaign import Campaign, Slot, record_slot


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """One capture."""

    slot: Slot
    point: Point
    environment: str

    batch: FrameBatch
    """Its frames in order of time."""


def frames(
    campaign: Campaign, slots: Iterable[Slot] | None = None
) -> Iterator[Recorded]:
    """Yield a campaign's captures, one at a time.

    A capture of the paper's size has 3900 frames and takes 2 MB; no more is kept.

    Args:
        campaign: What is recorded.
        slots: Which captures of it, in any order; by default all, in order of time.

    Raises:
        TrainerError: As `trainer.simulate.campaign.record_slot`.
    """
    swapped = campaign.firmware.stores_imaginary_first
    order = IqOrder.QI if swapped else IqOrder.IQ
    for slot in campaign.slots() if slots is None else slots:
        (batch,) = Decoder(order).decode(record_slot(campaign, slot)).batches
        yield Recorded(slot, campaign.point(slot), campaign.environment(slot), batch)
