"""Datagrams of the simulator, read by hand, by the device and by tcpdump."""

import shutil
import struct
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi import Decoder, Generation
from edge_agent.csi.simulated import is_simulated
from edge_agent.csi.subcarriers import Phy, frame_formats, usable_tones
from tests.builders import pcap, raw_frames
from trainer.simulate.nexmon import encode_frame, pack_words, simulated_mac
from trainer.simulate.room import TONES

MAC = bytes.fromhex("0253494d0702")
OVERWRITTEN = (28,)
"""Of the simulated tones, the one whose word PhyRxStatus takes."""


def random_csi(rng, n_packets):
    parts = rng.integers(-(2**15), 2**15, (2, n_packets, len(TONES)))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def frames(csi, *, mac=MAC, rssi_dbm=-60, first=0):
    words = pack_words(csi, TONES)
    return [
        encode_frame(row, mac=mac, rssi_dbm=rssi_dbm, sequence=first + number)
        for number, row in enumerate(words)
    ]


def decoded(packets):
    """What the device makes of the packets: one batch, nothing refused."""
    result = Decoder().decode(raw_frames(packets))
    assert not result.refused
    (batch,) = result.batches
    return batch


def internet_checksum(header):
    """RFC 1071, as a remainder: 16-bit numbers that add up to a multiple of 0xffff."""
    return sum(struct.unpack(f">{len(header) // 2}H", header)) % 0xFFFF


# -- read by hand ----------------------------------------------------------------------


def test_headers_are_those_of_the_firmware(rng):
    (frame,) = frames(random_csi(rng, 1), rssi_dbm=-71, first=0x123)

    ethernet, ip, udp, header = frame[:14], frame[14:34], frame[34:42], frame[42:60]
    assert ethernet == b"\xff" * 6 + b"NEXMON" + b"\x08\x00"
    assert ip[:2] == b"\x45\x00"  # version 4, five words of header
    assert ip[9] == 17  # UDP
    assert ip[12:] == bytes([10, 10, 10, 10, 255, 255, 255, 255])
    assert struct.unpack(">4H", udp)[:2] == (5500, 5500)
    assert header == (
        b"\x11\x11"  # magic
        b"\xb9"  # RSSI: -71 dBm
        b"\x80"  # frame control: beacon
        b"\x02SIM\x07\x02"  # transmitter
        b"\x30\x12"  # sequence 0x123, fragment 0
        b"\x00\x00"  # core 0, stream 0
        b"\x24\xd0"  # chanspec: channel 36, 20 MHz
        b"\x65\x00"  # bcm43455c0
    )


def test_lengths_are_true(rng):
    (frame,) = frames(random_csi(rng, 1))

    assert len(frame) == 14 + 20 + 8 + 18 + 64 * 4
    assert struct.unpack(">H", frame[16:18]) == (len(frame) - 14,)
    assert struct.unpack(">H", frame[38:40]) == (len(frame) - 34,)


def test_the_ip_checksum_is_valid(rng):
    (frame,) = frames(random_csi(rng, 1))

    assert internet_checksum(frame[14:34]) == 0
    assert frame[24:26] != b"\0\0"


def test_words_stand_in_fft_order_real_part_first(rng):
    csi = random_csi(rng, 1)
    (frame,) = frames(csi)

    pairs = np.frombuffer(frame[60:], "<i2").reshape(64, 2)
    for tone, gain in zip(TONES.tolist(), csi[0].tolist(), strict=True):
        if tone not in OVERWRITTEN:
            word = tone if tone >= 0 else 64 + tone
            assert pairs[word].tolist() == [gain.real, gain.imag]


def test_words_that_carry_no_tone_are_larger_than_the_signal():
    """As in real captures: who forgets to drop them sees it at once."""
    (frame,) = frames(np.full((1, len(TONES)), 590, np.complex64))

    pairs = np.frombuffer(frame[60:], "<i2").reshape(64, 2).astype(float)
    amplitude = np.hypot(*pairs.T)
    assert (amplitude[[0, *range(31, 36)]] > 2 * 590).all()


# -- read by the device ----------------------------------------------------------------


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    site=st.integers(0, 255),
    access_point=st.integers(0, 255),
    rssi_dbm=st.integers(-128, -1),
    first=st.integers(0, 4090),
)
def test_the_device_decodes_what_was_written(seed, site, access_point, rssi_dbm, first):
    csi = random_csi(np.random.default_rng(seed), 5)
    mac = simulated_mac(site, access_point)

    batch = decoded(frames(csi, mac=mac, rssi_dbm=rssi_dbm, first=first))

    kept = ~np.isin(TONES, OVERWRITTEN)
    np.testing.assert_array_equal(batch.csi[:, TONES[kept] % 64], csi[:, kept])
    assert {row.tobytes() for row in batch.mac} == {mac}
    assert set(batch.rssi.tolist()) == {rssi_dbm}
    assert (batch.seq_ctl >> 4).tolist() == list(range(first, first + 5))
    assert set((batch.seq_ctl & 0xF).tolist()) == {0}
    assert set(batch.chanspec.tolist()) == {0xD024}
    assert set(batch.chip.tolist()) == {0x65}
    assert set(batch.frame_control.tolist()) == {0x80}
    assert set(batch.generation.tolist()) == {Generation.NEW}


def test_frames_are_legacy_ofdm_and_52_tones_of_them_are_intact(rng):
    csi = random_csi(rng, 1)

    batch = decoded(frames(csi))

    _, (frame_format,) = frame_formats(batch)
    assert frame_format.phy is Phy.LEGACY
    assert frame_format.subbands == 1
    usable = usable_tones(frame_format)
    assert usable.tolist() == [*range(-26, 0), *range(1, 27)]
    np.testing.assert_array_equal(
        batch.csi[:, usable % 64], csi[:, np.isin(TONES, usable)]
    )


def test_sequence_numbers_wrap(rng):
    batch = decoded(frames(random_csi(rng, 3), first=4094))

    assert (batch.seq_ctl >> 4).tolist() == [4094, 4095, 0]


# -- addresses -------------------------------------------------------------------------


@settings(deadline=None)
@given(site=st.integers(0, 255), access_point=st.integers(0, 255))
def test_addresses_lie_below_the_reserved_prefix(site, access_point):
    mac = simulated_mac(site, access_point)

    assert mac == b"\x02SIM" + bytes([site, access_point])
    # Locally administered, and not a group address: no vendor's.
    assert mac[0] & 0b11 == 0b10
    assert is_simulated(np.frombuffer(mac, np.uint8)[None]).all()


def test_large_numbers_keep_the_prefix():
    assert simulated_mac(256 + 7, 256 + 2) == MAC


# -- read by tcpdump -------------------------------------------------------------------


def test_tcpdump_reads_udp_from_5500_to_5500(rng, tmp_path):
    if shutil.which("tcpdump") is None:
        pytest.skip("needs tcpdump")
    path = tmp_path / "frames.pcap"
    path.write_bytes(pcap(frames(random_csi(rng, 3))))

    done = subprocess.run(
        ["tcpdump", "-nvr", path, "udp", "port", "5500"],
        capture_output=True,
        text=True,
        check=True,
    )

    said = "10.10.10.10.5500 > 255.255.255.255.5500: UDP, length 274"
    assert done.stdout.count(said) == 3
    assert "bad cksum" not in done.stdout
