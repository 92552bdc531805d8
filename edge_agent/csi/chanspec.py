"""Broadcom channel specification (D11AC format), 16 bits.

    bits   field
    15-14  band: 0 = 2.4 GHz, 3 = 5 GHz
    13-11  bandwidth: 2 = 20, 3 = 40, 4 = 80 MHz
    10-8   which 20 MHz sub-band of the channel is the primary one
     7-0   centre channel

Source: bcmwifi_channels.h; firmware_notes/csi_udp_format.md, section 5.
"""

from dataclasses import dataclass

_BANDWIDTH_MHZ = {2: 20, 3: 40, 4: 80, 5: 160}
_MAX_24GHZ_CHANNEL = 14
_5GHZ_CENTRES = (range(34, 178), range(183, 197))


class ChanspecError(ValueError):
    """The 16 bits name no channel that a supported chip can receive."""

    def __init__(self, value: int, reason: str) -> None:
        super().__init__(f"chanspec {value:#06x}: {reason}")
        self.value = value


@dataclass(frozen=True, slots=True)
class Chanspec:
    """A tuned channel."""

    band_ghz: float
    """2.4 or 5."""

    bandwidth_mhz: int
    """20, 40 or 80."""

    centre_channel: int

    primary_channel: int
    """The 20 MHz channel of beacons; equal to the centre at 20 MHz."""

    primary_subband: int
    """Index of the primary 20 MHz sub-band, 0 = lowest frequency."""

    @property
    def centre_mhz(self) -> int:
        """Centre frequency [MHz]."""
        if self.band_ghz == 5:
            return 5000 + 5 * self.centre_channel
        if self.centre_channel == _MAX_24GHZ_CHANNEL:
            return 2484
        return 2407 + 5 * self.centre_channel

    def __str__(self) -> str:
        """Return for example ``36/80``: primary channel and bandwidth."""
        return f"{self.primary_channel}/{self.bandwidth_mhz}"


def decode_chanspec(value: int) -> Chanspec:
    """Decode a chanspec.

    Raises:
        ChanspecError: A band, bandwidth, channel or sideband that no supported chip
            has, 160 MHz included; 0x6863 is what a crashed firmware reports.
    """
    band_bits, bandwidth_bits = value >> 14 & 0b11, value >> 11 & 0b111
    sideband, centre = value >> 8 & 0b111, value & 0xFF
    if band_bits not in (0, 3):
        raise ChanspecError(value, "neither the 2.4 nor the 5 GHz band")
    bandwidth = _BANDWIDTH_MHZ.get(bandwidth_bits)
    if bandwidth is None or bandwidth == 160:
        raise ChanspecError(value, "bandwidth is none of 20, 40 and 80 MHz")
    n_subbands = bandwidth // 20
    if sideband >= n_subbands:
        raise ChanspecError(value, f"sub-band {sideband} of {n_subbands}")
    if band_bits == 0:
        if bandwidth > 40 or not 1 <= centre <= _MAX_24GHZ_CHANNEL:
            raise ChanspecError(value, f"no {bandwidth} MHz channel {centre}")
    elif not any(centre in centres for centres in _5GHZ_CENTRES):
        raise ChanspecError(value, f"no channel {centre} in the 5 GHz band")
    return Chanspec(
        band_ghz=2.4 if band_bits == 0 else 5,
        bandwidth_mhz=bandwidth,
        centre_channel=centre,
        primary_channel=centre - 2 * (n_subbands - 1) + 4 * sideband,
        primary_subband=sideband,
    )
