"""Which chips, headers and channels go together."""

import pytest

from edge_agent.csi import Generation
from edge_agent.csi.chips import WordFormat
from edge_agent.csi.subcarriers import Phy
from trainer.simulate.firmware import CHANSPECS, Firmware, FirmwareError, FrameKind

CHANNEL_11 = 0x100B
"""2.4 GHz, 20 MHz."""


def test_a_raspberry_pi_with_the_new_header_on_channel_36_is_the_default():
    firmware = Firmware()

    assert firmware.chip_field == 0x65
    assert firmware.word_format is WordFormat.INT16
    assert firmware.chanspec == 0xD024
    assert (firmware.bandwidth_mhz, firmware.fft_size, firmware.n_words) == (20, 64, 64)
    assert firmware.writes_phystatus
    assert not firmware.stores_imaginary_first


@pytest.mark.parametrize(
    ("bandwidth", "n_words", "primary"), [(20, 64, 1), (40, 128, 1), (80, 256, 1)]
)
def test_the_channel_decides_how_many_words_there_are(bandwidth, n_words, primary):
    firmware = Firmware(chanspec=CHANSPECS[bandwidth])

    assert firmware.bandwidth_mhz == bandwidth
    assert firmware.n_words == n_words
    assert firmware.subbands(FrameKind.BEACON) == primary
    assert firmware.subbands(FrameKind.QOS_DATA) == (1 << bandwidth // 20) - 1


@pytest.mark.parametrize(
    ("chanspec", "mhz"),
    [
        (CHANSPECS[20], 5180),
        (CHANSPECS[40], 5190),
        (CHANSPECS[80], 5210),
        (CHANNEL_11, 2462),
    ],
)
def test_the_carrier_is_the_centre_of_the_channel(chanspec, mhz):
    assert Firmware(chanspec=chanspec).carrier_hz == mhz * 1e6


def test_a_beacon_occupies_the_primary_sub_band_wherever_it_is():
    firmware = Firmware(chanspec=0xE29B)  # 157/80: centre 155, sub-band 2

    assert firmware.subbands(FrameKind.BEACON) == 0b0100
    assert firmware.phy(FrameKind.BEACON) is Phy.LEGACY


@pytest.mark.parametrize(
    ("chanspec", "phy"), [(CHANSPECS[20], Phy.VHT), (CHANNEL_11, Phy.HT)]
)
def test_data_is_vht_in_the_5_ghz_band_alone(chanspec, phy):
    assert Firmware(chanspec=chanspec).phy(FrameKind.QOS_DATA) is phy


@pytest.mark.parametrize(
    ("chip", "n_cores"),
    [("bcm4339", 1), ("bcm4358", 2), ("bcm43455c0", 1), ("bcm4366c0", 4)],
)
def test_chips_have_as_many_cores_as_antennas(chip, n_cores):
    assert Firmware(chip).n_cores == n_cores


@pytest.mark.parametrize(
    ("chip", "generation", "asked", "swapped"),
    [
        ("bcm43455c0", Generation.OLD, None, True),
        ("bcm43455c0", Generation.OLD, False, False),
        ("bcm4339", Generation.PR169, None, True),
        ("bcm4339", Generation.NEW, None, False),
        ("bcm4358", Generation.OLD, None, False),
        ("bcm4366c0", Generation.PR169, None, False),
    ],
)
def test_integers_under_old_headers_have_the_imaginary_part_first(
    chip, generation, asked, swapped
):
    firmware = Firmware(chip, generation, imaginary_first=asked)

    assert firmware.stores_imaginary_first is swapped


def test_the_2018_extractor_sends_one_word_less():
    firmware = Firmware("bcm4339", Generation.MOBISYS_2018, CHANSPECS[80])

    assert (firmware.fft_size, firmware.n_words) == (256, 255)


def test_firmware_before_october_2019_does_not_name_its_chip():
    assert Firmware("bcm4366c0", Generation.OLD, names_chip=False).chip_field == 0xDEAD


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"chip_name": "bcm4375"}, "chip 'bcm4375' is not one of bcm4339, bcm4358"),
        ({"chanspec": 0x6863}, "chanspec 0x6863: neither the 2.4 nor the 5 GHz band"),
        ({"chanspec": 0xE832}, "0xe832: bandwidth is none of 20, 40 and 80 MHz"),
        ({"chanspec": 0x2006}, "chanspec 0x2006: no 80 MHz channel 6"),
        (
            {"generation": Generation.MOBISYS_2018, "chanspec": CHANSPECS[80]},
            "the 2018 extractor runs on the bcm4339, not on bcm43455c0",
        ),
        (
            {"generation": Generation.MOBISYS_2018, "chip_name": "bcm4339"},
            "sends the 255 words of 80 MHz, not 64",
        ),
        ({"names_chip": False}, "a NEW header always names its chip"),
        ({"imaginary_first": True}, "hold Q,I, not int16 under NEW"),
        (
            {
                "imaginary_first": True,
                "generation": Generation.OLD,
                "chip_name": "bcm4358",
            },
            r"hold Q,I, not float 9\+9\+5 under OLD",
        ),
    ],
)
def test_what_no_firmware_does_is_refused(settings, reason):
    with pytest.raises(FirmwareError, match=reason) as caught:
        Firmware(**settings)

    assert caught.value.exit_code == 2
