"""Channel specifications from captures and from the driver's header file."""

import pytest

from edge_agent.csi.chanspec import Chanspec, ChanspecError, decode_chanspec


@pytest.mark.parametrize(
    ("value", "name", "centre_mhz"),
    [
        (0xD024, "36/20", 5180),
        (0xD030, "48/20", 5240),
        (0xD08C, "140/20", 5700),
        (0xD826, "36/40", 5190),
        (0xD926, "40/40", 5190),
        (0xE02A, "36/80", 5210),
        (0xE12A, "40/80", 5210),
        (0xE22A, "44/80", 5210),
        (0xE32A, "48/80", 5210),
        (0xE06A, "100/80", 5530),
        (0xE29B, "157/80", 5775),
        (0xD0A5, "165/20", 5825),
        (0xD022, "34/20", 5170),
        (0xD0B1, "177/20", 5885),
        (0xD0B7, "183/20", 5915),
        (0xD0C4, "196/20", 5980),
        (0x1001, "1/20", 2412),
        (0x1006, "6/20", 2437),
        (0x100D, "13/20", 2472),
        (0x100E, "14/20", 2484),  # not on the 5 MHz grid of the others
        (0x1808, "6/40", 2447),
        (0x1908, "10/40", 2447),
    ],
)
def test_channels_in_use(value, name, centre_mhz):
    chanspec = decode_chanspec(value)

    assert str(chanspec) == name
    assert chanspec.centre_mhz == centre_mhz


def test_every_field():
    assert decode_chanspec(0xE29B) == Chanspec(
        band_ghz=5,
        bandwidth_mhz=80,
        centre_channel=155,
        primary_channel=157,
        primary_subband=2,
    )
    assert decode_chanspec(0x1808) == Chanspec(
        band_ghz=2.4,
        bandwidth_mhz=40,
        centre_channel=8,
        primary_channel=6,
        primary_subband=0,
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0x6863, "neither the 2.4 nor the 5 GHz band"),  # crashed firmware
        (0x5024, "neither the 2.4 nor the 5 GHz band"),
        (0x9024, "neither the 2.4 nor the 5 GHz band"),
        (0x0000, "bandwidth is none of"),
        (0xC024, "bandwidth is none of"),  # 5 MHz
        (0xC824, "bandwidth is none of"),  # 10 MHz
        (0xE832, "bandwidth is none of"),  # 160 MHz
        (0xF02A, "bandwidth is none of"),  # 80+80 MHz
        (0xF82A, "bandwidth is none of"),
        (0xFFFF, "bandwidth is none of"),
        (0xD124, "sub-band 1 of 1"),
        (0xDA26, "sub-band 2 of 2"),
        (0xE42A, "sub-band 4 of 4"),
        (0xE72A, "sub-band 7 of 4"),
        (0x2006, "no 80 MHz channel 6"),  # 2.4 GHz has no 80 MHz
        (0x1000, "no 20 MHz channel 0"),
        (0x100F, "no 20 MHz channel 15"),
        (0x1024, "no 20 MHz channel 36"),
        (0xD000, "no channel 0 in the 5 GHz band"),
        (0xD021, "no channel 33 in the 5 GHz band"),
        (0xD0B2, "no channel 178 in the 5 GHz band"),
        (0xD0B6, "no channel 182 in the 5 GHz band"),
        (0xD0C5, "no channel 197 in the 5 GHz band"),
        (0xD0FF, "no channel 255 in the 5 GHz band"),
    ],
)
def test_impossible_channels_are_refused_with_the_reason(value, reason):
    with pytest.raises(ChanspecError, match=reason) as caught:
        decode_chanspec(value)

    assert caught.value.value == value
    assert f"{value:#06x}" in str(caught.value)


def test_no_value_does_anything_else_than_decode_or_be_refused():
    accepted = []
    for value in range(1 << 16):
        try:
            accepted.append(decode_chanspec(value))
        except ChanspecError:
            continue

    for chanspec in accepted:
        assert chanspec.bandwidth_mhz in (20, 40, 80)
        assert chanspec.primary_subband < chanspec.bandwidth_mhz // 20
        # The primary channel lies inside the channel, 10 MHz from a border at least.
        distance = 5 * (chanspec.primary_channel - chanspec.centre_channel)
        assert abs(distance) <= (chanspec.bandwidth_mhz - 20) / 2
