"""Simulated frames are known by their addresses, or by the capture's comment."""

import numpy as np
import pytest

from edge_agent.csi.simulated import (
    SIMULATED_COMMENT,
    is_simulated,
    says_simulated,
)


@pytest.mark.parametrize(
    ("mac", "simulated"),
    [
        ("02:53:49:4d:00:00", True),
        ("02:53:49:4d:ff:ff", True),
        ("02:53:49:4e:00:00", False),
        ("00:53:49:4d:00:00", False),
        ("dc:a6:32:01:02:03", False),
    ],
)
def test_the_reserved_prefix_marks_a_simulated_transmitter(mac, simulated):
    addresses = np.array([list(bytes.fromhex(mac.replace(":", "")))], np.uint8)

    assert is_simulated(addresses).tolist() == [simulated]


def test_each_address_is_judged_by_itself():
    addresses = np.array([[2, 0x53, 0x49, 0x4D, 0, 1], [2, 0, 0, 0, 0, 1]], np.uint8)

    assert is_simulated(addresses).tolist() == [True, False]
    assert is_simulated(addresses[:0]).tolist() == []


@pytest.mark.parametrize(
    ("comments", "simulated"),
    [
        ([], False),
        (["recorded in room 3"], False),
        ([SIMULATED_COMMENT], True),
        (["room 3", f"{SIMULATED_COMMENT}, seed 1"], True),
    ],
)
def test_a_comment_marks_a_simulated_capture(comments, simulated):
    assert says_simulated(comments) is simulated
