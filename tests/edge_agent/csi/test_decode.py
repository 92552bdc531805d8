"""Decoder against packets written byte by byte."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.csi import (
    NO_RSSI,
    CaptureReader,
    Decoder,
    Generation,
    IqOrder,
    Refusal,
)
from edge_agent.csi.frame import NO_FRAME_CONTROL, WORD_FORMATS, WordFormat
from tests.builders import (
    TRANSMITTER,
    csi_header,
    csi_payload,
    datagram,
    ethernet,
    int16_words,
    ipv4,
    pcap,
    ramp_words,
    raw_frames,
    udp,
)

pytestmark = pytest.mark.usefixtures("either_way")

WITH_RSSI = (
    Generation.NEW,
    Generation.PLUS,
    Generation.GAIN,
    Generation.PR169,
)
WITH_PHYSTATUS = (Generation.NEW, Generation.GAIN)
WITH_CHANNEL = tuple(g for g in Generation if g is not Generation.MOBISYS_2018)
BCM4358, BCM4366C0, UNNAMED = 0x03, 0x6A, 0xDEAD


def decode(*packets, order=IqOrder.IQ, **source):
    return Decoder(order).decode(raw_frames(packets, **source))


def frames(*payloads, order=IqOrder.IQ):
    """The frames of payloads that are all good and equally long."""
    decoded = decode(*map(datagram, payloads), order=order)
    assert not decoded.refused
    (batch,) = decoded.batches
    return batch


def refusals(*payloads):
    decoded = decode(*map(datagram, payloads))
    assert decoded.batches == ()
    return decoded.refused


# -- fields ----------------------------------------------------------------------------


@pytest.mark.parametrize("generation", WITH_CHANNEL)
def test_fields_that_every_generation_since_2019_has(generation):
    batch = frames(
        csi_payload(
            generation,
            mac=bytes.fromhex("00aabbccddee"),
            seq_ctl=0xFFF1,
            core_stream=0x19,
            chanspec=0xD030,
            chip=0x01,
        )
    )

    assert batch.generation.tolist() == [generation]
    assert batch.mac.tolist() == [[0x00, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE]]
    assert batch.seq_ctl.tolist() == [0xFFF1]
    assert (batch.core.tolist(), batch.stream.tolist()) == ([1], [3])
    assert batch.chanspec.tolist() == [0xD030]
    assert batch.chip.tolist() == [0x01]


@pytest.mark.parametrize("generation", Generation)
def test_power_and_frame_control_where_the_header_has_them(generation):
    batch = frames(csi_payload(generation, rssi=-71, frame_control=0x88))

    has_rssi = generation in WITH_RSSI
    assert batch.rssi.tolist() == [-71 if has_rssi else NO_RSSI]
    assert batch.frame_control.tolist() == [0x88 if has_rssi else NO_FRAME_CONTROL]


@pytest.mark.parametrize("generation", Generation)
def test_receive_gain_where_the_header_has_it(generation):
    batch = frames(csi_payload(generation, agc_gain=-300))

    assert batch.agc_gain.tolist() == [-300 if generation is Generation.GAIN else 0]


def test_the_first_extractor_tells_the_transmitter_and_nothing_else():
    batch = frames(csi_payload(Generation.MOBISYS_2018))

    assert batch.generation.tolist() == [Generation.MOBISYS_2018]
    assert batch.mac[0].tobytes() == TRANSMITTER
    assert batch.chip.tolist() == [0x01]
    for column in (batch.seq_ctl, batch.core, batch.stream, batch.chanspec):
        assert column.tolist() == [0]


@pytest.mark.parametrize("generation", WITH_CHANNEL)
@pytest.mark.parametrize(("n_words", "start"), [(64, 28), (128, 0), (256, 0)])
def test_phy_status_where_the_firmware_writes_it(generation, n_words, start):
    words = [0xAAAAAAAA] * n_words
    words[start : start + 3] = [0x00020001, 0x00040003, 0x00060005]

    batch = frames(csi_payload(generation, words=words))

    expected = [1, 2, 3, 4, 5, 6] if generation in WITH_PHYSTATUS else [0] * 6
    assert batch.phystatus.tolist() == [expected]


@pytest.mark.parametrize("rssi", [-128, -1, 0, 127])
@pytest.mark.parametrize("generation", WITH_RSSI)
def test_extreme_powers_are_kept(generation, rssi):
    assert frames(csi_payload(generation, rssi=rssi)).rssi.tolist() == [rssi]


@pytest.mark.parametrize(
    ("rssi", "frame_control", "generation"),
    [
        (0x11, 0x11, Generation.OLD),
        (0x11, 0x80, Generation.NEW),
        (-60, 0x11, Generation.NEW),
    ],
)
def test_both_bytes_of_the_repeated_magic_mark_the_old_header(
    rssi, frame_control, generation
):
    batch = frames(csi_payload(rssi=rssi, frame_control=frame_control))

    assert batch.generation.tolist() == [generation]


def test_plus_headers_have_sixteen_bits_of_power_and_of_frame_control():
    batch = frames(csi_payload(Generation.PLUS, rssi=-200, frame_control=0x0288))

    assert batch.rssi.tolist() == [-200]
    assert batch.frame_control.tolist() == [0x88]


def test_plus_headers_are_known_by_the_two_letters_that_are_reliable():
    payload = csi_payload(Generation.PLUS)
    only_two_letters = payload.replace(
        b"GOODDECODE", b"GO\xff\xff\xff\xff\xff\xff\xff\0"
    )

    assert frames(only_two_letters).generation.tolist() == [Generation.PLUS]


@pytest.mark.parametrize(
    ("chip", "core_stream", "core", "stream"),
    [
        (0x65, 0x00, 0, 0),
        (BCM4358, 0x08, 0, 1),
        (BCM4358, 0x01, 1, 0),
        (BCM4358, 0x1B, 3, 3),
        (BCM4366C0, 0x0000, 0, 0),
        (BCM4366C0, 0x1900, 1, 3),
        (BCM4366C0, 0x1B00, 3, 3),
    ],
)
def test_core_and_stream_stand_eight_bits_higher_on_the_4366c0(
    chip, core_stream, core, stream
):
    batch = frames(csi_payload(chip=chip, core_stream=core_stream))

    assert (batch.core.tolist(), batch.stream.tolist()) == ([core], [stream])


# -- gains -----------------------------------------------------------------------------


@pytest.mark.parametrize("n_words", [64, 128, 256])
@pytest.mark.parametrize("generation", WITH_CHANNEL)
def test_gains_in_the_order_on_the_wire(generation, n_words):
    batch = frames(csi_payload(generation, words=ramp_words(n_words)))

    k = np.arange(n_words)
    assert batch.n_subcarriers == n_words
    np.testing.assert_array_equal(batch.csi, [k - 1j * k])
    assert not batch.imaginary_first.any()


def test_gains_of_the_first_extractor():
    batch = frames(csi_payload(Generation.MOBISYS_2018))

    k = np.arange(255)
    np.testing.assert_array_equal(batch.csi, [k - 1j * k])


@pytest.mark.parametrize("generation", Generation)
def test_only_firmware_of_unknown_order_is_read_as_told(generation):
    batch = frames(csi_payload(generation), order=IqOrder.QI)

    k = np.arange(batch.n_subcarriers)
    swapped = generation in (Generation.OLD, Generation.PR169)
    assert batch.imaginary_first.tolist() == [swapped]
    np.testing.assert_array_equal(batch.csi, [1j * k - k if swapped else k - 1j * k])


@pytest.mark.parametrize("generation", [Generation.OLD, Generation.NEW])
@pytest.mark.parametrize(
    ("chip", "word", "gain"),
    [
        (0x01, 0x0002_FFFF, -1 + 2j),
        (0x65, 0x0002_FFFF, -1 + 2j),
        # +3 * 2^-2 and -2 * 2^-2
        (BCM4358, 3 << 14 | 1 << 13 | 2 << 5 | 0b11110, 0.75 - 0.5j),
        (BCM4366C0, 3 << 18 | 1 << 17 | 2 << 6 | 0b111110, 0.75 - 0.5j),
    ],
)
def test_each_chip_has_its_words(generation, chip, word, gain):
    batch = frames(csi_payload(generation, words=[word] * 64, chip=chip))

    np.testing.assert_array_equal(batch.csi, np.full((1, 64), gain))


@pytest.mark.parametrize(
    ("words", "word_format"),
    [
        (ramp_words(64), WordFormat.INT16),
        ([255 << 14 | 0b11111] * 64, WordFormat.FLOAT_9_5),
        ([2047 << 18 | 0b111111] * 64, WordFormat.FLOAT_12_6),
        ([0] * 64, WordFormat.INT16),  # tells nothing
        ([0x7FFF_8000] * 64, WordFormat.INT16),  # fits none
    ],
)
def test_firmware_that_names_no_chip_is_told_by_its_words(words, word_format):
    batch = frames(csi_payload(Generation.OLD, chip=UNNAMED, words=words))

    assert WORD_FORMATS[batch.word_format[0]] is word_format
    assert batch.chip.tolist() == [UNNAMED]


def test_cores_and_streams_of_unnamed_chips_stand_where_they_did_then():
    batch = frames(csi_payload(Generation.OLD, chip=UNNAMED, core_stream=0x19))

    assert (batch.core.tolist(), batch.stream.tolist()) == ([1], [3])


@pytest.mark.parametrize("trailer", [bytes(4), bytes(8), b"\xff", b"NEXMON" * 50])
def test_trailer_bytes_behind_the_datagram_do_not_count(trailer):
    payload = csi_payload()

    decoded = decode(datagram(payload, trailer=trailer))

    (batch,) = decoded.batches
    np.testing.assert_array_equal(batch.csi, frames(payload).csi)


# -- refusals --------------------------------------------------------------------------

ANY = csi_payload()

REFUSED = {
    Refusal.EMPTY: b"",
    Refusal.NOT_IPV4: ethernet(ipv4(udp(ANY)), protocol=0x86DD),
    Refusal.BAD_IP_HEADER: ethernet(ipv4(udp(ANY), header_words=4)),
    Refusal.FRAGMENT: ethernet(ipv4(udp(ANY), fragment=1)),
    Refusal.NOT_UDP: ethernet(ipv4(udp(ANY), protocol=6)),
    Refusal.OTHER_PORT: ethernet(ipv4(udp(ANY, port=5501))),
    Refusal.TRUNCATED: ethernet(ipv4(udp(ANY), total_length=1000)),
    Refusal.BAD_UDP_LENGTH: ethernet(ipv4(udp(ANY, length=1000))),
    Refusal.SPOOFED: ethernet(ipv4(udp(ANY)), source=b"\x02\0\0\0\0\1"),
    Refusal.NOT_CSI: datagram(b"CSI: console print of the firmware"),
    Refusal.BAD_MAGIC: datagram(b"\x12" + ANY[1:]),
    Refusal.UNKNOWN_CHIP: datagram(csi_payload(chip=0x64)),
    Refusal.BAD_CHANSPEC: datagram(csi_payload(chanspec=0x6863)),
    Refusal.BANDWIDTH_MISMATCH: datagram(csi_payload(chanspec=0xE02A)),
    Refusal.BAD_CORE_STREAM: datagram(csi_payload(core_stream=4)),
}
BY_THE_READER_OR_LINK_TYPE = {Refusal.BAD_BLOCK, Refusal.LINK_TYPE}


def test_every_refusal_has_a_test():
    assert REFUSED.keys() | BY_THE_READER_OR_LINK_TYPE == set(Refusal)


@pytest.mark.parametrize(
    ("reason", "packet"), REFUSED.items(), ids=lambda v: str(v)[:9]
)
def test_a_packet_that_is_no_frame_is_counted_by_reason(reason, packet):
    decoded = decode(packet, packet)

    assert decoded.refused == {reason: 2}
    assert (decoded.batches, decoded.n_frames, decoded.n_packets) == ((), 0, 2)


def test_packets_of_a_foreign_link_type_are_counted():
    decoded = decode(datagram(), b"beacon", link_type=127)

    assert decoded.refused == {Refusal.LINK_TYPE: 2}


@pytest.mark.parametrize("n_words", [0, 1, 63, 66, 127, 130, 253, 258, 512])
@pytest.mark.parametrize("generation", Generation)
def test_no_other_number_of_words_is_a_frame(generation, n_words):
    payload = csi_payload(generation, words=ramp_words(n_words))

    assert refusals(payload) == {Refusal.NOT_CSI: 1}


@pytest.mark.parametrize("extra", [b"\0", b"\0\0\0"])
def test_a_broken_word_is_no_frame(extra):
    assert refusals(ANY + extra, ANY[:-1]) == {Refusal.NOT_CSI: 2}


@pytest.mark.parametrize(
    ("generation", "n_bytes"),
    [
        (Generation.MOBISYS_2018, 4),
        (Generation.OLD, 2),  # two more, if wrong, make it a new header
        (Generation.NEW, 2),
        (Generation.PLUS, 4),
        (Generation.GAIN, 2),
        (Generation.PR169, 4),
    ],
)
def test_each_byte_of_the_magic_counts(generation, n_bytes):
    payload = csi_payload(generation)
    wrong = [
        payload[:i] + bytes([payload[i] ^ 0x40]) + payload[i + 1 :]
        for i in range(n_bytes)
    ]

    assert refusals(*wrong) == {Refusal.BAD_MAGIC: n_bytes}


@pytest.mark.parametrize("generation", Generation)
def test_foreign_datagrams_of_the_same_length_do_not_spoil_the_good_ones(generation):
    good = csi_payload(generation)
    foreign = b"no" + good[2:]

    decoded = decode(*map(datagram, [foreign, good, foreign, good, good]))

    (batch,) = decoded.batches
    assert batch.index.tolist() == [1, 3, 4]
    assert decoded.refused == {Refusal.BAD_MAGIC: 2}


@pytest.mark.parametrize("signature", [b"XO", b"GX", b"OG"])
def test_plus_headers_need_their_signature(signature):
    payload = csi_payload(Generation.PLUS).replace(b"GO", signature, 1)

    assert refusals(payload) == {Refusal.BAD_MAGIC: 1}


@pytest.mark.parametrize("chip", [0x0000, 0x0002, 0x4366, 0xFFFF])
@pytest.mark.parametrize("generation", WITH_CHANNEL)
def test_unknown_chips_are_refused(generation, chip):
    assert refusals(csi_payload(generation, chip=chip)) == {Refusal.UNKNOWN_CHIP: 1}


@pytest.mark.parametrize("generation", [g for g in WITH_CHANNEL if g != Generation.OLD])
def test_only_the_old_header_may_leave_the_chip_unnamed(generation):
    assert refusals(csi_payload(generation, chip=UNNAMED)) == {Refusal.UNKNOWN_CHIP: 1}


@pytest.mark.parametrize(
    ("n_words", "chanspec"),
    [(64, 0xD826), (64, 0xE02A), (128, 0xD024), (128, 0xE02A), (256, 0xD024)],
)
def test_the_number_of_words_must_fit_the_bandwidth(n_words, chanspec):
    payload = csi_payload(words=ramp_words(n_words), chanspec=chanspec)

    assert refusals(payload) == {Refusal.BANDWIDTH_MISMATCH: 1}


@pytest.mark.parametrize(
    ("chip", "core_stream"),
    [
        *((0x65, core) for core in range(4, 8)),
        *((0x65, stream << 3) for stream in range(4, 8)),
        *((0x65, 1 << bit) for bit in range(6, 16)),
        (BCM4366C0, 0x0019),
        (BCM4366C0, 0x0400),
        (BCM4366C0, 0x2000),
        (BCM4366C0, 0x4000),
    ],
)
def test_cores_and_streams_that_no_chip_has_are_refused(chip, core_stream):
    payload = csi_payload(chip=chip, core_stream=core_stream)

    assert refusals(payload) == {Refusal.BAD_CORE_STREAM: 1}


# -- many packets ----------------------------------------------------------------------


def one_by_one(packets, times_ns):
    """Packets as a live source hands them over."""
    return raw_frames(packets, times_ns=times_ns)


def from_a_file(packets, _):
    """Packets as they lie in a file, one a second: evenly spaced if equally long."""
    (raw,) = CaptureReader().feed(pcap(packets))
    return raw


def evenly_spaced(packets, times_ns):
    """Packets as rows of one array, where their lengths allow it."""
    raw = one_by_one(packets, times_ns)
    if len(set(raw.lengths.tolist())) > 1:
        return raw
    return replace(raw, stride=len(packets[0]) + 3)  # the gap between them


SOURCES = pytest.mark.parametrize("source", [one_by_one, from_a_file, evenly_spaced])


@functools.cache
def thousand():
    """Good packets, numbered by their sequence control."""
    return [datagram(csi_payload(seq_ctl=i, words=ramp_words())) for i in range(1000)]


@SOURCES
def test_identical_headers_are_decoded_in_order(source):
    times_ns = np.arange(1000) * 10**9
    raw = source(thousand(), times_ns)

    decoded = Decoder().decode(raw)

    (batch,) = decoded.batches
    assert (decoded.n_packets, decoded.n_frames) == (1000, 1000)
    np.testing.assert_array_equal(batch.seq_ctl, np.arange(1000))
    np.testing.assert_array_equal(batch.index, np.arange(1000))
    np.testing.assert_array_equal(batch.time_ns, times_ns)


@SOURCES
@pytest.mark.parametrize("position", [0, 1, 500, 1000])
@pytest.mark.parametrize(
    "reason",
    [
        Refusal.NOT_IPV4,
        Refusal.FRAGMENT,
        Refusal.OTHER_PORT,
        Refusal.SPOOFED,
        Refusal.TRUNCATED,
        Refusal.BAD_UDP_LENGTH,
        Refusal.BAD_MAGIC,
        Refusal.UNKNOWN_CHIP,
        Refusal.BAD_CHANSPEC,
        Refusal.BANDWIDTH_MISMATCH,
        Refusal.BAD_CORE_STREAM,
        Refusal.NOT_CSI,
    ],
)
def test_nobody_passes_because_the_neighbours_are_good(source, position, reason):
    packets = list(thousand())
    packets.insert(position, REFUSED[reason])
    raw = source(packets, np.arange(1001) * 10**9)

    decoded = Decoder().decode(raw)

    (batch,) = decoded.batches
    assert decoded.refused == {reason: 1}
    np.testing.assert_array_equal(batch.seq_ctl, np.arange(1000))
    np.testing.assert_array_equal(batch.index, np.delete(np.arange(1001), position))
    np.testing.assert_array_equal(batch.time_ns, batch.index * 10**9)


@SOURCES
def test_a_good_packet_passes_though_the_neighbours_are_bad(source):
    packets = [REFUSED[Refusal.SPOOFED]] * 500 + [datagram()]
    packets += [REFUSED[Refusal.UNKNOWN_CHIP]] * 500
    raw = source(packets, np.arange(1001))

    decoded = Decoder().decode(raw)

    (batch,) = decoded.batches
    assert decoded.refused == {Refusal.SPOOFED: 500, Refusal.UNKNOWN_CHIP: 500}
    assert batch.index.tolist() == [500]


def test_mixed_lengths_keep_their_order():
    packets = [
        datagram(csi_payload(seq_ctl=i), trailer=bytes(4 * (i % 3))) for i in range(20)
    ]

    (batch,) = decode(*packets, times_ns=np.arange(20) * 7).batches

    assert batch.seq_ctl.tolist() == list(range(20))
    assert batch.index.tolist() == list(range(20))
    assert batch.time_ns.tolist() == [7 * i for i in range(20)]


def test_mixed_bandwidths_and_generations_give_one_batch_per_length_of_vector():
    kinds = [
        (Generation.NEW, 64),
        (Generation.MOBISYS_2018, 255),
        (Generation.OLD, 128),
        (Generation.GAIN, 256),
        (Generation.PLUS, 64),
        (Generation.PR169, 256),
    ]
    packets = [
        datagram(csi_payload(generation, words=ramp_words(n_words)))
        for generation, n_words in kinds * 3
    ]

    decoded = decode(*packets)

    assert decoded.n_frames == 18
    assert [batch.n_subcarriers for batch in decoded.batches] == [64, 128, 255, 256]
    for batch in decoded.batches:
        expected = [i for i in range(18) if kinds[i % 6][1] == batch.n_subcarriers]
        assert batch.index.tolist() == expected
        assert batch.generation.tolist() == [kinds[i % 6][0] for i in expected]
        k = np.arange(batch.n_subcarriers)
        np.testing.assert_array_equal(batch.csi, [k - 1j * k] * len(batch))


@SOURCES
def test_packets_of_which_no_two_agree_are_decoded_one_by_one(source):
    """Their source ports differ, and every third one is for somebody else."""
    packets = [
        ethernet(
            ipv4(
                udp(
                    csi_payload(seq_ctl=i),
                    source_port=i,
                    port=53 if i % 3 == 2 else 5500,
                )
            )
        )
        for i in range(60)
    ]
    raw = source(packets, np.arange(60) * 10**9)

    decoded = Decoder().decode(raw)

    (batch,) = decoded.batches
    expected = [i for i in range(60) if i % 3 != 2]
    assert decoded.refused == {Refusal.OTHER_PORT: 20}
    assert batch.seq_ctl.tolist() == expected
    assert batch.index.tolist() == expected
    assert batch.time_ns.tolist() == [i * 10**9 for i in expected]


def test_every_frame_may_have_its_own_meaning():
    ids = [
        {"core_stream": core | stream << 3, "chanspec": 0xD000 | channel}
        for core in range(4)
        for stream in range(4)
        for channel in (36, 40, 44)
    ]

    batch = frames(*(csi_payload(seq_ctl=i, **own) for i, own in enumerate(ids)))

    assert batch.seq_ctl.tolist() == list(range(48))
    assert batch.core.tolist() == [own["core_stream"] & 7 for own in ids]
    assert batch.stream.tolist() == [own["core_stream"] >> 3 for own in ids]
    assert batch.chanspec.tolist() == [own["chanspec"] for own in ids]


@SOURCES
def test_a_part_of_the_packets_is_decoded_like_the_whole(source):
    packets = [datagram(csi_payload(seq_ctl=i)) for i in range(9)]

    (batch,) = Decoder().decode(source(packets, np.zeros(9))[2:5]).batches

    assert batch.seq_ctl.tolist() == [2, 3, 4]
    assert batch.index.tolist() == [0, 1, 2]


@SOURCES
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_packets_are_decoded_like_thousands(source, n):
    decoded = Decoder().decode(source(thousand()[:n], np.arange(n) * 10**9))

    (batch,) = decoded.batches
    assert batch.seq_ctl.tolist() == list(range(n))
    assert batch.time_ns.tolist() == [i * 10**9 for i in range(n)]


@SOURCES
def test_runts_are_told_from_empty_packets(source):
    raw = source([b"", b"x", b"y", b"", b"xy"], np.arange(5))

    decoded = Decoder().decode(raw)

    assert decoded.refused == {Refusal.EMPTY: 2, Refusal.TRUNCATED: 3}


@pytest.mark.parametrize("raw", [raw_frames([]), from_a_file([b"one"], None)[:0]])
def test_nothing_decodes_to_nothing(raw):
    decoded = Decoder().decode(raw)

    assert (decoded.batches, decoded.n_packets, decoded.n_frames) == ((), 0, 0)
    assert not decoded.refused


# -- order of I and Q ------------------------------------------------------------------


def delayed(rng, *, n_frames, delay=2.0):
    """Gains of a path ``delay`` samples behind the first, with any common phase."""
    k = np.fft.fftfreq(64, 1 / 64)
    phase = rng.uniform(0, 2 * np.pi, (n_frames, 1))
    gains = 1000 * np.exp(1j * (phase - 2 * np.pi * k * delay / 64))
    return gains.real.round() + 1j * gains.imag.round()


def old_frames(gains, *, imaginary_first):
    """Packets of the old firmware that hold these gains."""
    real, imag = gains.real.astype(int), gains.imag.astype(int)
    parts = (imag, real) if imaginary_first else (real, imag)
    rows = np.stack(parts, axis=-1).tolist()
    return [
        datagram(csi_payload(Generation.OLD, words=int16_words(row))) for row in rows
    ]


@pytest.mark.parametrize("imaginary_first", [False, True])
@pytest.mark.parametrize("n_frames", [1, 20, 150])
def test_the_order_is_told_from_a_delayed_path(rng, imaginary_first, n_frames):
    gains = delayed(rng, n_frames=n_frames)
    packets = old_frames(gains, imaginary_first=imaginary_first)

    (batch,) = decode(*packets, order=IqOrder.AUTO).batches

    assert set(batch.imaginary_first.tolist()) == {imaginary_first}
    np.testing.assert_array_equal(batch.csi, gains)


def test_noise_stays_in_the_order_of_old_firmware(rng):
    gains = (rng.normal(size=(50, 64, 2)) * 500).round().view(complex)[..., 0]

    (batch,) = decode(
        *old_frames(gains, imaginary_first=True), order=IqOrder.AUTO
    ).batches

    assert batch.imaginary_first.all()
    np.testing.assert_array_equal(batch.csi, gains)


def test_a_decoder_remembers_the_order_of_its_receiver(rng):
    decoder = Decoder()
    telling = old_frames(delayed(rng, n_frames=100), imaginary_first=False)
    decoder.decode(raw_frames(telling))

    noise = raw_frames([datagram(csi_payload(Generation.OLD, words=[5] * 64))] * 500)
    (batch,) = decoder.decode(noise).batches

    assert not batch.imaginary_first.any()


def test_headers_alone_are_no_frames():
    headers = [csi_header(generation) for generation in Generation]

    assert refusals(*headers) == {Refusal.NOT_CSI: len(headers)}
