"""Real and synthetic captures against the answers of independent decoders."""

import numpy as np
import pytest

from edge_agent.csi import NO_RSSI, CaptureReader, Decoder, Generation
from edge_agent.csi.frame import WORD_FORMATS, chip_name

pytestmark = pytest.mark.usefixtures("either_way")

REAL = (
    "csu_43455c0_20MHz_ref_204_1_3500",
    "csu_43455c0_20MHz_ref_207_1_3500",
    "nexus5_4339_80MHz_old_hdr",
    "nexus5_4339_mobisys2018",
    "nexus6p_4358_80MHz_mimo",
    "rpi_43455c0_40MHz_old_hdr",
    "rpi_43455c0_80MHz_new_hdr_blockack",
    "rpi_43455c0_80MHz_new_hdr_mixed",
    "rtac86u_4366c0_20MHz_new_hdr_one_frame",
    "rtac86u_4366c0_80MHz_old_hdr",
)
SYNTHETIC = (
    "synthetic/float_edges_4358",
    "synthetic/float_edges_4366c0",
    "synthetic/header20_pr169",
    "synthetic/header44_nexmonster_plus",
    "synthetic/header70_gain_fork",
    "synthetic/new_hdr_20MHz_43455c0",
    "synthetic/old_hdr_but_iq_order_43455c0",
)
MIMO = "synthetic/mimo_4x4_4366c0"  # its answers are words, not gains
CONTAINERS = (
    "ethernet_be.pcap",
    "ethernet_be.pcapng",
    "ethernet_le.pcap",
    "ethernet_le.pcapng",
    "ethernet_nano_be.pcap",
    "ethernet_nano_le.pcap",
    "ethernet_vlan.pcap",
    "linux_sll.pcap",
    "linux_sll2.pcap",
    "raw_ip_dlt101.pcap",
    "raw_ip_dlt228.pcap",
)

HEADER_BYTES = {
    Generation.MOBISYS_2018: 14,
    Generation.OLD: 18,
    Generation.NEW: 18,
    Generation.PLUS: 44,
    Generation.GAIN: 70,
    Generation.PR169: 20,
}

WHAT_THE_ANSWERS_CALL_IT = {
    "rssi": lambda batch: batch.rssi,
    "has_rssi": lambda batch: batch.rssi != NO_RSSI,
    "fc": lambda batch: batch.frame_control,
    "mac": lambda batch: batch.mac,
    "seq_ctl": lambda batch: batch.seq_ctl,
    "seq": lambda batch: batch.seq_ctl >> 4,
    "frag": lambda batch: batch.seq_ctl & 0xF,
    "core": lambda batch: batch.core,
    "stream": lambda batch: batch.stream,
    "chanspec": lambda batch: batch.chanspec,
    "chip": lambda batch: batch.chip,
    "ts_sec": lambda batch: batch.time_ns // 1_000_000_000,
    "ts_usec": lambda batch: batch.time_ns % 1_000_000_000 / 1_000,
    "phystatus": lambda batch: batch.phystatus,
    "frame_type": lambda batch: batch.phystatus[:, 0] & 0b11,
    "agc_gain": lambda batch: batch.agc_gain,
    "hdr_len": lambda batch: [HEADER_BYTES[g] for g in batch.generation.tolist()],
    "iq_swapped": lambda batch: batch.imaginary_first,
}
COMPARED_ELSEWHERE = {"csi", "csi_iq", "words", "chip_name"}
NOT_DECODED = {
    "css",  # core and stream in one
    "frame_len",
    "tail_len",
    "src_index",
    "note",
    "nexp",  # bits of the word format
    "nman",
    "overwritten_subcarriers",
}


def decode(path):
    """All frames of a capture in which every packet is one."""
    reader, decoder = CaptureReader(), Decoder()
    packets = reader.feed(path.read_bytes())
    reader.finish()
    assert reader.damage is None
    (decoded,) = [decoder.decode(raw) for raw in packets]
    assert not decoded.refused
    (batch,) = decoded.batches
    return batch


def answers(path):
    with np.load(path) as stored:
        return dict(stored)


@pytest.mark.parametrize("name", REAL + SYNTHETIC)
def test_gains_are_exactly_those_of_other_decoders(shared_data, name):
    expected = answers(shared_data(f"nexmon/golden/{name}.npz"))

    batch = decode(shared_data(f"nexmon/golden/{name}.pcap"))

    np.testing.assert_array_equal(batch.csi, expected.get("csi_iq", expected["csi"]))
    assert batch.csi.dtype == np.complex64


@pytest.mark.parametrize("name", [*REAL, *SYNTHETIC, MIMO])
def test_fields_are_exactly_those_of_other_decoders(shared_data, name):
    expected = answers(shared_data(f"nexmon/golden/{name}.npz"))

    batch = decode(shared_data(f"nexmon/golden/{name}.pcap"))

    assert expected.keys() <= (
        WHAT_THE_ANSWERS_CALL_IT.keys() | COMPARED_ELSEWHERE | NOT_DECODED
    )
    for key in expected.keys() & WHAT_THE_ANSWERS_CALL_IT.keys():
        found = np.asarray(WHAT_THE_ANSWERS_CALL_IT[key](batch))
        wanted = np.broadcast_to(expected[key], found.shape)
        np.testing.assert_array_equal(found, wanted, err_msg=key)


@pytest.mark.parametrize("name", REAL)
def test_chips_are_named_as_far_as_header_and_words_tell(shared_data, name):
    expected = answers(shared_data(f"nexmon/golden/{name}.npz"))["chip_name"]

    batch = decode(shared_data(f"nexmon/golden/{name}.pcap"))

    found = [
        chip_name(number, WORD_FORMATS[word_format])
        for number, word_format in zip(
            batch.chip.tolist(), batch.word_format.tolist(), strict=True
        )
    ]
    assert found == [f"bcm{chip}" for chip in expected]


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_container_makes_no_difference(shared_data, name):
    expected = answers(shared_data("nexmon/golden/containers/ethernet_le.npz"))

    batch = decode(shared_data(f"nexmon/golden/containers/{name}"))

    np.testing.assert_array_equal(batch.csi, expected["csi_iq"])
    for key in expected.keys() & WHAT_THE_ANSWERS_CALL_IT.keys():
        found = np.asarray(WHAT_THE_ANSWERS_CALL_IT[key](batch))
        wanted = np.broadcast_to(expected[key], found.shape)
        np.testing.assert_array_equal(found, wanted, err_msg=key)


def bcm4366c0_gain(word):
    """One packed word by hand: sign-magnitude parts, a shared two's complement."""
    real, imag = word >> 18 & 0x7FF, word >> 6 & 0x7FF
    exponent = (word & 0x3F) - (0x40 if word & 0x20 else 0)
    real = -real if word >> 29 & 1 else real
    imag = -imag if word >> 17 & 1 else imag
    return complex(real * 2.0**exponent, imag * 2.0**exponent)


def test_sixteen_parts_of_a_mimo_frame(shared_data):
    expected = answers(shared_data(f"nexmon/golden/{MIMO}.npz"))

    batch = decode(shared_data(f"nexmon/golden/{MIMO}.pcap"))

    by_hand = [
        [bcm4366c0_gain(word) for word in row] for row in expected["words"].tolist()
    ]
    np.testing.assert_array_equal(batch.csi, by_hand)


def test_the_folder_holds_nothing_that_is_not_listed(shared_data):
    folder = shared_data("nexmon/golden")

    captures = {str(path.relative_to(folder)) for path in folder.rglob("*.pcap*")}

    assert captures == {
        *(f"{name}.pcap" for name in (*REAL, *SYNTHETIC, MIMO)),
        *(f"containers/{name}" for name in CONTAINERS),
    }
