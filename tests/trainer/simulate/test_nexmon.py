"""Datagrams of the simulator, read by hand, by the device, by tcpdump and tshark."""

import shutil
import struct
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi import NO_RSSI, Decoder, Generation, IqOrder
from edge_agent.csi.simulated import is_simulated
from edge_agent.csi.subcarriers import Phy, frame_formats, usable_tones
from tests.builders import CHANSPECS as HAND_CHANSPECS
from tests.builders import csi_header, packets_of
from trainer.simulate.captures import Container, write_capture
from trainer.simulate.firmware import CHANSPECS, Firmware, FirmwareError, FrameKind
from trainer.simulate.nexmon import Measurements, encode_frames, simulated_mac
from trainer.simulate.tones import TONES, used_tones
from trainer.simulate.words import nearest

MAC = bytes.fromhex("0253494d0702")
CHIPS = ("bcm4339", "bcm4358", "bcm43455c0", "bcm4366c0")
INTEGERS = ("bcm4339", "bcm43455c0")
WITH_STATUS = (Generation.NEW, Generation.GAIN)
WITHOUT_RSSI = (Generation.MOBISYS_2018, Generation.OLD)

EVERY_FIRMWARE = [
    Firmware(chip, generation, CHANSPECS[bandwidth])
    for generation in Generation
    if generation is not Generation.MOBISYS_2018
    for chip in CHIPS
    for bandwidth in (20, 40, 80)
] + [
    Firmware("bcm4339", Generation.MOBISYS_2018, CHANSPECS[80]),
    Firmware("bcm43455c0", Generation.OLD, imaginary_first=False),
]


def name(firmware):
    return (
        f"{firmware.generation.name}-{firmware.chip_name}-{firmware.bandwidth_mhz}"
        f"{'' if firmware.imaginary_first is None else '-IQ'}"
    )


FIRMWARE = pytest.mark.parametrize("firmware", EVERY_FIRMWARE, ids=name)


def random_gains(firmware, rng, shape):
    """Gains over the whole range of the chip's words."""
    if firmware.chip_name in INTEGERS:
        parts = rng.integers(-(2**15), 2**15, (2, *shape))
        return (parts[0] + 1j * parts[1]).astype(np.complex64)
    low, high = (-24, 22) if firmware.chip_name == "bcm4358" else (-43, 41)
    parts = rng.uniform(-1, 1, (2, *shape)) * 2.0 ** rng.uniform(low, high, shape)
    return nearest(
        (parts[0] + 1j * parts[1]).astype(np.complex64), firmware.word_format
    )


def measurements(firmware, rng, *, n=5, **fields):
    tones = used_tones(firmware.bandwidth_mhz)
    values = {
        "time_ns": np.arange(n, dtype=np.int64) * 1000,
        "csi": random_gains(firmware, rng, (n, len(tones))),
        "tones": tones,
        "mac": np.frombuffer(MAC, np.uint8),
        "rssi_dbm": -60,
        "sequence": np.arange(n),
    } | fields
    return Measurements(**values)


def encoded(firmware, rng, **fields):
    """The frames as bytes, one by one."""
    raw = encode_frames(firmware, measurements(firmware, rng, **fields), rng)
    return [data for data, _, _ in packets_of([raw])]


def decoded(raw, *, iq_order=IqOrder.AUTO):
    """What the device makes of the packets: one batch, nothing refused."""
    result = Decoder(iq_order).decode(raw)
    assert not result.refused
    (batch,) = result.batches
    return batch


def internet_checksum(header):
    """RFC 1071, as a remainder: 16-bit numbers that add up to a multiple of 0xffff."""
    return sum(struct.unpack(f">{len(header) // 2}H", header)) % 0xFFFF


# -- read by hand ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("firmware", "header"),
    [
        (
            Firmware("bcm4339", Generation.MOBISYS_2018, CHANSPECS[80]),
            b"\x11\x11\x11\x11"  # magic
            b"\x02SIM\x07\x02"  # transmitter
            b"\x0c\0\0\0",  # 6 Mbit/s
        ),
        (
            Firmware("bcm4358", Generation.OLD),
            b"\x11\x11\x11\x11"  # magic
            b"\x02SIM\x07\x02"  # transmitter
            b"\x30\x12"  # sequence 0x123, fragment 0
            b"\x00\x00"  # core 0, stream 0
            b"\x24\xd0"  # chanspec: channel 36, 20 MHz
            b"\x03\x00",  # bcm4358
        ),
        (
            Firmware("bcm43455c0", Generation.NEW),
            b"\x11\x11"  # magic
            b"\xb9"  # RSSI: -71 dBm
            b"\x80"  # frame control: beacon
            b"\x02SIM\x07\x02\x30\x12\x00\x00\x24\xd0\x65\x00",
        ),
        (
            Firmware("bcm4366c0", Generation.PR169),
            b"\x11\x11\0\0\xb9\x00\x02SIM\x07\x02\x30\x12\x00\x00\x24\xd0\x6a\x00",
        ),
        (
            Firmware("bcm43455c0", Generation.PLUS),
            b"\x11\x11\x11\x11"
            b"\xff\xff\xff\xff\xff\xff"  # receiver: everybody
            b"\x02SIM\x07\x02"  # transmitter
            b"\x02SIM\x07\x02"  # network
            b"\x80\x00"  # frame control
            b"\x30\x12"  # sequence control
            b"\xb9\xff"  # RSSI: -71 dBm, 16 bits
            b"GOODDECODE"
            b"\x00\x00\x24\xd0\x65\x00",
        ),
        (
            Firmware("bcm43455c0", Generation.GAIN),
            b"\x11\x11\xb9\x80\x02SIM\x07\x02\x30\x12\x00\x00\x24\xd0\x65\x00"
            + bytes(48)  # gains
            + b"\x2a\x00"  # gain of the AGC: 42
            + b"\x00\x00",
        ),
    ],
    ids=lambda value: value.generation.name if isinstance(value, Firmware) else "",
)
def test_headers_are_those_of_the_byte_tables(firmware, header, rng):
    (frame,) = encoded(firmware, rng, n=1, rssi_dbm=-71, sequence=0x123, agc_gain=42)

    ethernet, ip, udp, payload = frame[:14], frame[14:34], frame[34:42], frame[42:]
    assert ethernet == b"\xff" * 6 + b"NEXMON" + b"\x08\x00"
    assert ip[:2] == b"\x45\x00"  # version 4, five words of header
    assert ip[9] == 17  # UDP
    assert ip[12:] == bytes([10, 10, 10, 10, 255, 255, 255, 255])
    assert struct.unpack(">4H", udp) == (5500, 5500, 8 + len(payload), 0)
    assert payload.startswith(header)
    assert len(payload) == len(header) + 4 * firmware.n_words


@FIRMWARE
def test_headers_are_those_that_the_tests_of_the_device_make(firmware, rng):
    """A second description of the format, made with struct."""
    (frame,) = encoded(firmware, rng, n=1, sequence=0x0FA, agc_gain=7)

    control = {"bcm43455c0": 0x80, "bcm4366c0": 0}.get(firmware.chip_name, 0x5A)
    by_hand = csi_header(
        firmware.generation,
        mac=MAC,
        rssi=-60,
        frame_control=control,
        seq_ctl=0x0FA0,
        chanspec=HAND_CHANSPECS[firmware.fft_size],
        chip=firmware.chip_field,
        agc_gain=7,
    )
    ours = frame[42 : 42 + len(by_hand)]
    free = {
        Generation.MOBISYS_2018: [*range(10, 14)],  # rate
        Generation.PLUS: [*range(4, 10), *range(16, 22)],  # other addresses
        Generation.GAIN: [*range(18, 66)],  # gains of the stages
    }.get(firmware.generation, [])
    differs = [i for i in range(len(by_hand)) if ours[i] != by_hand[i]]
    assert set(differs) <= set(free)


@FIRMWARE
def test_lengths_and_the_ip_checksum_are_true(firmware, rng):
    (frame,) = encoded(firmware, rng, n=1)

    assert struct.unpack(">H", frame[16:18]) == (len(frame) - 14,)
    assert struct.unpack(">H", frame[38:40]) == (len(frame) - 34,)
    assert internet_checksum(frame[14:34]) == 0
    assert frame[24:26] != b"\0\0"


@pytest.mark.parametrize(
    ("generation", "first"), [(Generation.NEW, "real"), (Generation.OLD, "imag")]
)
def test_words_stand_in_fft_order(generation, first, rng):
    firmware = Firmware(generation=generation)
    measured = measurements(firmware, rng, n=1)
    raw = encode_frames(firmware, measured, rng)

    pairs = raw.data[60:].view("<i2").reshape(64, 2)
    for tone, gain in zip(TONES.tolist(), measured.csi[0].tolist(), strict=True):
        if tone != 28:  # PhyRxStatus under the new header
            word = tone if tone >= 0 else 64 + tone
            parts = [gain.real, gain.imag]
            assert pairs[word].tolist() == parts[:: 1 if first == "real" else -1]


def test_words_that_carry_no_tone_are_larger_than_the_signal(rng):
    """As in real captures: who forgets to drop them sees it at once."""
    firmware = Firmware()
    csi = np.full((1, len(TONES)), 590, np.complex64)
    raw = encode_frames(firmware, measurements(firmware, rng, n=1, csi=csi), rng)

    pairs = raw.data[60:].view("<i2").reshape(64, 2).astype(float)
    amplitude = np.hypot(*pairs.T)
    assert (amplitude[[0, *range(31, 36)]] >= 590).all()
    assert (amplitude[31:36] > 8 * 590).all()


# -- PhyRxStatus -----------------------------------------------------------------------


def test_phystatus_of_a_beacon_is_that_of_the_worked_example(rng):
    """firmware_notes/csi_udp_format.md, section 6, byte for byte."""
    (frame,) = encoded(Firmware(), rng, n=1, rssi_dbm=-57)

    status = bytes.fromhex("2110 0000 00c7 8080 8000 0000")
    assert frame[0xAC : 0xAC + 12] == status


@pytest.mark.parametrize(
    ("chip", "words"),
    [
        ("bcm4339", [0x1021, 0, 0xC400, 0x8080, 0x0080, 0]),
        ("bcm4358", [0x1021, 0, 0xC400, 0x80C4, 0x0080, 0]),
        ("bcm4366c0", [0x0021, 0x0200, 0xC400, 0xC4C4, 0x00C4, 0]),
    ],
)
def test_phystatus_has_a_power_for_each_core(chip, words, rng):
    firmware = Firmware(chip)

    batch = decoded(encode_frames(firmware, measurements(firmware, rng), rng))

    assert batch.phystatus[0].tolist() == words


@pytest.mark.parametrize(
    ("bandwidth", "place"), [(20, 60 + 4 * 28), (40, 60), (80, 60)]
)
def test_phystatus_stands_where_the_bandwidth_puts_it(bandwidth, place, rng):
    (frame,) = encoded(Firmware(chanspec=CHANSPECS[bandwidth]), rng, n=1)

    assert frame[place : place + 12] == bytes.fromhex("2110 0000 00c4 8080 8000 0000")


@pytest.mark.parametrize(
    ("kind", "phy", "subbands", "control"),
    [
        (FrameKind.BEACON, Phy.LEGACY, 0b0100, 0x80),
        (FrameKind.QOS_DATA, Phy.VHT, 0b1111, 0x88),
    ],
)
def test_the_device_sees_what_kind_of_frame_it_was(kind, phy, subbands, control, rng):
    firmware = Firmware(chanspec=0xE29B)  # 157/80: sub-band 2
    if kind is FrameKind.BEACON:
        tones = np.concatenate([np.arange(-26, 0), np.arange(1, 27)]) + 32
    else:
        tones = used_tones(80)
    csi = np.full((3, len(tones)), 300 - 400j, np.complex64)
    measured = measurements(firmware, rng, n=3, csi=csi, tones=tones, kind=kind)

    batch = decoded(encode_frames(firmware, measured, rng))

    _, (form,) = frame_formats(batch)
    assert (form.phy, form.subbands) == (phy, subbands)
    assert set(batch.frame_control.tolist()) == {control}
    usable = usable_tones(form)
    assert set(usable.tolist()) == set(tones.tolist()) - {0, 1, 2}
    assert (batch.csi[:, usable % 256] == 300 - 400j).all()


@pytest.mark.parametrize("generation", [g for g in Generation if g not in WITH_STATUS])
def test_where_phystatus_is_not_told_the_energy_names_the_sub_band(generation, rng):
    firmware = Firmware("bcm4339", generation, CHANSPECS[80])
    tones = np.concatenate([np.arange(-26, 0), np.arange(1, 27)]) - 96
    csi = np.full((3, len(tones)), 300 - 400j, np.complex64)
    measured = measurements(firmware, rng, n=3, csi=csi, tones=tones)

    batch = decoded(encode_frames(firmware, measured, rng), iq_order=IqOrder.QI)

    _, (form,) = frame_formats(batch)
    assert (form.phy, form.subbands) == (Phy.UNKNOWN, 0b0001)


# -- read by the device ----------------------------------------------------------------


@FIRMWARE
@settings(deadline=None, max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 12),
    rssi_dbm=st.integers(-127, -1),
    first=st.integers(0, 4095),
    agc_gain=st.integers(-(2**15), 2**15 - 1),
    address=st.binary(min_size=6, max_size=6),
    data=st.data(),
)
def test_the_device_decodes_bit_for_bit_what_was_written(
    firmware, seed, n, rssi_dbm, first, agc_gain, address, data
):
    rng = np.random.default_rng(seed)
    oldest = firmware.generation is Generation.MOBISYS_2018
    core = 0 if oldest else data.draw(st.integers(0, firmware.n_cores - 1))
    stream = 0 if oldest else data.draw(st.integers(0, 3))
    measured = measurements(
        firmware,
        rng,
        n=n,
        mac=np.frombuffer(address, np.uint8),
        rssi_dbm=rssi_dbm,
        sequence=first + np.arange(n),
        core=core,
        stream=stream,
        agc_gain=agc_gain,
    )

    order = IqOrder.QI if firmware.stores_imaginary_first else IqOrder.IQ
    batch = decoded(encode_frames(firmware, measured, rng), iq_order=order)

    kept = np.ones(len(measured.tones), bool)
    if firmware.generation in WITH_STATUS:
        lost = (28,) if firmware.bandwidth_mhz == 20 else (0, 1, 2)
        kept = ~np.isin(measured.tones, lost)
    words = measured.tones[kept] % firmware.fft_size
    np.testing.assert_array_equal(batch.csi[:, words], measured.csi[:, kept])
    assert batch.time_ns.tolist() == measured.time_ns.tolist()
    assert {row.tobytes() for row in batch.mac} == {address}
    rssi = NO_RSSI if firmware.generation in WITHOUT_RSSI else rssi_dbm
    assert set(batch.rssi.tolist()) == {rssi}
    assert set(batch.core.tolist()) == {core}
    assert set(batch.stream.tolist()) == {stream}
    assert set(batch.generation.tolist()) == {firmware.generation}
    assert (batch.n_subcarriers, len(batch)) == (firmware.n_words, n)
    gain = agc_gain if firmware.generation is Generation.GAIN else 0
    assert set(batch.agc_gain.tolist()) == {gain}
    if not oldest:
        assert (batch.seq_ctl >> 4).tolist() == [(first + i) % 4096 for i in range(n)]
        assert set((batch.seq_ctl & 0xF).tolist()) == {0}
        assert set(batch.chanspec.tolist()) == {firmware.chanspec}
        assert set(batch.chip.tolist()) == {firmware.chip_field}


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("bandwidth", [20, 40, 80])
def test_frames_that_do_not_name_their_chip_are_told_by_their_words(
    chip, bandwidth, rng
):
    firmware = Firmware(chip, Generation.OLD, CHANSPECS[bandwidth], names_chip=False)
    parts = rng.normal(0, 400, (2, 9, len(used_tones(bandwidth))))
    counts = (parts[0] + 1j * parts[1]).astype(np.complex64)
    csi = nearest(counts, firmware.word_format)
    measured = measurements(firmware, rng, n=9, csi=csi)

    batch = decoded(encode_frames(firmware, measured, rng), iq_order=IqOrder.QI)

    words = measured.tones % firmware.fft_size
    np.testing.assert_array_equal(batch.csi[:, words], csi)
    assert set(batch.chip.tolist()) == {0xDEAD}


def test_cores_and_streams_of_one_frame_come_one_after_the_other(rng):
    firmware = Firmware("bcm4366c0", Generation.NEW, CHANSPECS[80])
    core, stream = (axis.ravel() for axis in np.indices((4, 4)))
    measured = measurements(firmware, rng, n=16, core=core, stream=stream, sequence=9)

    batch = decoded(encode_frames(firmware, measured, rng))

    assert batch.core.tolist() == core.tolist()
    assert batch.stream.tolist() == stream.tolist()
    np.testing.assert_array_equal(
        batch.csi[:, measured.tones[2:] % 256][:, 125:], measured.csi[:, 2:][:, 125:]
    )


def test_addresses_and_powers_can_differ_from_frame_to_frame(rng):
    mac = np.array([list(simulated_mac(1, ap)) for ap in (0, 1, 0)], np.uint8)
    rssi = np.array([-40, -80, -41], np.int8)
    measured = measurements(Firmware(), rng, n=3, mac=mac, rssi_dbm=rssi)

    batch = decoded(encode_frames(Firmware(), measured, rng))

    np.testing.assert_array_equal(batch.mac, mac)
    assert batch.rssi.tolist() == rssi.tolist()
    assert (batch.phystatus[:, 2] >> 8).astype(np.int8).tolist() == rssi.tolist()


def test_frames_are_legacy_ofdm_and_52_tones_of_them_are_intact(rng):
    measured = measurements(Firmware(), rng, n=1)

    batch = decoded(encode_frames(Firmware(), measured, rng))

    _, (frame_format,) = frame_formats(batch)
    assert frame_format.phy is Phy.LEGACY
    assert frame_format.subbands == 1
    usable = usable_tones(frame_format)
    assert usable.tolist() == [*range(-26, 0), *range(1, 27)]
    np.testing.assert_array_equal(
        batch.csi[:, usable % 64], measured.csi[:, np.isin(TONES, usable)]
    )


def test_the_same_chance_gives_the_same_bytes(rng):
    measured = measurements(Firmware(), rng, n=3)

    first, again, other = (
        encode_frames(Firmware(), measured, np.random.default_rng(seed)).data.tobytes()
        for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other  # in the null words


def test_no_packet_gives_no_frame(rng):
    raw = encode_frames(Firmware(), measurements(Firmware(), rng, n=0), rng)

    assert len(raw) == 0


# -- what a chip cannot report ---------------------------------------------------------


@pytest.mark.parametrize(
    ("firmware", "fields", "reason"),
    [
        (Firmware(), {"rssi_dbm": 0}, r"RSSI \[dBm\] is 0, not -127 to -1"),
        (Firmware(), {"rssi_dbm": -128}, r"RSSI \[dBm\] is -128, not -127 to -1"),
        (
            Firmware(),
            {"rssi_dbm": np.array([-50, 17], np.int8)},
            r"RSSI \[dBm\] is 17, not -127 to -1",
        ),
        (Firmware(), {"core": 1}, "core of bcm43455c0 is 1, not 0 to 0"),
        (Firmware("bcm4358"), {"core": 2}, "core of bcm4358 is 2, not 0 to 1"),
        (Firmware("bcm4366c0"), {"core": -1}, "core of bcm4366c0 is -1, not 0 to 3"),
        (Firmware(), {"stream": 4}, "stream is 4, not 0 to 3"),
        (
            Firmware("bcm4339", Generation.MOBISYS_2018, CHANSPECS[80]),
            {"stream": 1},
            "no field for a core or a stream",
        ),
        (
            Firmware("bcm4339", Generation.MOBISYS_2018, CHANSPECS[80]),
            {"tones": np.arange(-2, 0), "csi": np.ones((2, 2), np.complex64)},
            "leaves out the word of tone -1",
        ),
        (
            Firmware(),
            {"tones": np.array([31, 32]), "csi": np.ones((2, 2), np.complex64)},
            "tone of 20 MHz is 32, not -32 to 31",
        ),
        (
            Firmware(),
            {"tones": np.array([4, 4]), "csi": np.ones((2, 2), np.complex64)},
            "a tone stands twice",
        ),
        (
            Firmware(),
            {"csi": np.ones((2, 55), np.complex64)},
            r"gains of shape \(2, 55\) for 2 times and 56 tones",
        ),
        (
            Firmware(),
            {"csi": np.full((2, 56), 0.5, np.complex64)},
            "int16 words do not hold gains",
        ),
        (
            Firmware("bcm4358"),
            {"csi": np.full((2, 56), 257, np.complex64)},
            r"float 9\+9\+5 words do not hold gains",
        ),
    ],
)
def test_what_a_chip_cannot_report_is_refused(firmware, fields, reason, rng):
    measured = replace(measurements(firmware, rng, n=2), **fields)

    with pytest.raises(FirmwareError, match=reason):
        encode_frames(firmware, measured, rng)


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


# -- read by others --------------------------------------------------------------------


def program(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name} (.ci/run installs what the tests need)")
    return path


@pytest.fixture
def all_lengths(rng, tmp_path):
    """A capture with three frames of every firmware, and their lengths."""
    frames = [
        encode_frames(firmware, measurements(firmware, rng, n=3), rng)
        for firmware in EVERY_FIRMWARE
    ]
    paths = []
    for number, raw in enumerate(frames):
        paths.append(tmp_path / f"{number}.pcap")
        write_capture(paths[-1], raw, Container.PCAP)
    path = tmp_path / "all.pcap"
    first, *rest = (one.read_bytes() for one in paths)
    path.write_bytes(first + b"".join(data[24:] for data in rest))
    return path, [int(n) for raw in frames for n in raw.lengths]


def test_tshark_sees_well_formed_udp_of_every_firmware(all_lengths):
    path, lengths = all_lengths
    fields = [
        *("eth.src", "eth.dst", "ip.src", "ip.dst", "ip.ttl", "ip.checksum.status"),
        *("udp.srcport", "udp.dstport", "udp.length", "frame.len"),
        *("udp.checksum.status", "_ws.malformed", "_ws.expert.message"),
    ]

    done = subprocess.run(
        [
            *(program("tshark"), "-n", "-r", path, "-T", "fields"),
            *("-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"),
            *(part for field in fields for part in ("-e", field)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[:8] for row in rows] == [
        [
            *("4e:45:58:4d:4f:4e", "ff:ff:ff:ff:ff:ff"),
            *("10.10.10.10", "255.255.255.255", "1"),
            "1",  # checksum good
            *("5500", "5500"),
        ]
    ] * len(lengths)
    assert [(int(row[8]), int(row[9])) for row in rows] == [
        (length - 34, length) for length in lengths
    ]
    assert {row[10] for row in rows} == {"3"}  # no checksum, which is allowed
    assert {row[11] for row in rows} == {""}  # nothing malformed
    messages = {row[12] for row in rows}
    assert messages <= {"", '"Time To Live" only 1'}


def test_tcpdump_sees_udp_from_5500_to_5500_of_every_firmware(all_lengths):
    path, lengths = all_lengths

    done = subprocess.run(
        [program("tcpdump"), "-nvr", path, "udp", "port", "5500"],
        capture_output=True,
        text=True,
        check=True,
    )

    said = [line.split() for line in done.stdout.splitlines() if "> 255" in line]
    assert [(line[0], line[2], line[3]) for line in said] == [
        ("10.10.10.10.5500", "255.255.255.255.5500:", "UDP,")
    ] * len(lengths)
    assert [int(line[5]) for line in said] == [length - 42 for length in lengths]
    assert "bad cksum" not in done.stdout
    assert "truncated" not in done.stdout
