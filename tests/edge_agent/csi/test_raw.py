"""RawFrames: columns of one length, and slicing."""

import numpy as np
import pytest

from edge_agent.csi import RawFrames


def raw_frames(*, offsets=(0, 4), lengths=(4, 4), times=(1, 2), size=8, stride=None):
    return RawFrames(
        np.arange(size, dtype=np.uint8),
        np.array(offsets, np.int64),
        np.array(lengths, np.int64),
        np.array(times, np.int64),
        link_type=1,
        stride=stride,
    )


def test_the_length_is_that_of_the_columns():
    assert len(raw_frames()) == 2


def test_no_packets_need_no_buffer():
    assert len(raw_frames(offsets=(), lengths=(), times=(), size=0)) == 0


@pytest.mark.parametrize("column", ["offsets", "lengths", "times"])
def test_columns_of_unequal_length_are_refused(column):
    with pytest.raises(ValueError, match="must have equal length"):
        raw_frames(**{column: (0,)})


def test_a_slice_holds_the_packets_asked_for():
    raw = raw_frames(stride=4)

    part = raw[1:]

    assert (part.offsets.tolist(), part.lengths.tolist()) == ([4], [4])
    assert part.time_ns.tolist() == [2]
    assert (part.link_type, part.stride) == (1, 4)
    assert part.data is raw.data


def test_every_second_packet_is_no_longer_evenly_spaced_as_promised():
    raw = raw_frames(offsets=(0, 2, 4), lengths=(2,) * 3, times=(0,) * 3, stride=2)

    assert raw[::2].stride is None
    assert raw[::2].offsets.tolist() == [0, 4]
