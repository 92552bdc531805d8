"""Frames for training are those that the file would hold."""

from dataclasses import fields
from itertools import islice

import numpy as np
import pytest

from edge_agent.capture_file import CaptureFile
from edge_agent.csi import Decoder, FrameBatch, Generation
from edge_agent.survey import read_survey
from trainer.simulate.campaign import Campaign, Slot
from trainer.simulate.campaign_folder import write_campaign
from trainer.simulate.firmware import Firmware
from trainer.simulate.stream import frames


def decode_file(path):
    """As every command reads a capture, the order of I and Q guessed."""
    decoder = Decoder()
    with CaptureFile(path) as capture:
        parts = [batch for raw in capture for batch in decoder.decode(raw).batches]
    return FrameBatch.concatenate(parts)


@pytest.mark.parametrize(
    "firmware",
    [
        Firmware(),
        Firmware("bcm4339", Generation.OLD),
        Firmware("bcm4366c0", Generation.GAIN),
    ],
    ids=lambda firmware: firmware.generation.name,
)
def test_they_are_identical_to_those_decoded_from_the_files(firmware, tmp_path):
    campaign = Campaign(
        "lab", n_points=2, n_days=2, n_images=2, n_packets=40, firmware=firmware
    )
    rows = read_survey(write_campaign(tmp_path / "lab", campaign))

    recorded = list(frames(campaign))

    assert [(one.point, str(one.slot.visit), one.environment) for one in recorded] == [
        (row.point, row.visit, row.environment) for row in rows
    ]
    for one, row in zip(recorded, rows, strict=True):
        from_file = decode_file(row.capture)
        for field in fields(FrameBatch):
            np.testing.assert_array_equal(
                getattr(one.batch, field.name),
                getattr(from_file, field.name),
                err_msg=field.name,
            )


def test_some_of_them_can_be_had_in_any_order():
    campaign = Campaign("hall", n_points=2, n_days=2, n_images=2, n_packets=3)
    slots = [Slot(2, 1, 89, 1), Slot(1, 2, 0, 1)]

    found = list(frames(campaign, slots))

    assert [one.slot for one in found] == slots
    assert [one.environment for one in found] == ["hall-day2", "hall-day1"]
    by_slot = {one.slot: one.batch.csi for one in frames(campaign)}
    for one in found:
        np.testing.assert_array_equal(one.batch.csi, by_slot[one.slot])


def test_nothing_is_simulated_before_it_is_asked_for():
    first = list(islice(frames(Campaign("hall")), 1))  # the whole would take a minute

    assert len(first[0].batch) == 3900
