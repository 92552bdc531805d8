"""What the kernel tells of a network interface: no root, no packet.

    /sys/class/net/NAME/type, flags     what its packets begin with; whether it is up
    /sys/class/net/NAME/phy80211        its radio: present on Wi-Fi interfaces only
        rfkillN/soft, hard              whether that is switched off
    /sys/class/net/NAME/device/driver   whose driver it has
    ioctl SIOCGIWFREQ                   the frequency that the kernel tuned it to
    /proc/device-tree/model             the board

A frequency that Nexmon's tools set bypasses the kernel, which then tells an older one.
Source: linux/if.h, linux/if_arp.h, linux/wireless.h, Documentation/ABI/testing.
"""

import contextlib
import errno
import fcntl
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

# Types of interfaces, linux/if_arp.h.
ARPHRD_IEEE80211 = 801
ARPHRD_IEEE80211_PRISM = 802
ARPHRD_IEEE80211_RADIOTAP = 803
MONITOR_KINDS = (ARPHRD_IEEE80211, ARPHRD_IEEE80211_PRISM, ARPHRD_IEEE80211_RADIOTAP)

_IFF_UP = 0x1
_SIOCGIWFREQ = 0x8B05
_HIGHEST_CHANNEL_NUMBER = 1000
_SYS = Path("/sys")
_BOARD = Path("/proc/device-tree/model")


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface as it is now."""

    name: str

    kind: int
    """ARPHRD number: 1 Ethernet (Wi-Fi too), 801 to 803 monitor mode."""

    is_up: bool

    is_wireless: bool

    blocked: str = ""
    """``soft`` or ``hard`` where rfkill keeps its radio off; empty otherwise."""

    driver: str = ""
    """Name of the kernel's driver; empty where there is no device behind it."""

    monitors: tuple[str, ...] = ()
    """Other interfaces of the same radio that are in monitor mode and up."""

    frequency_mhz: int | None = None
    """What the kernel tuned it to [MHz]; None where it does not tell."""

    @property
    def is_monitor(self) -> bool:
        """Whether it hands over 802.11 frames."""
        return self.kind in MONITOR_KINDS


def interface_names() -> tuple[str, ...]:
    """Return the names of this machine's interfaces, in the kernel's order."""
    return tuple(name for _, name in socket.if_nameindex())


def read_interface(
    name: str, *, names: tuple[str, ...] | None = None, sys: Path = _SYS
) -> Interface | None:
    """Return what the kernel tells of an interface, or None where there is none.

    Args:
        name: For example ``wlan0``.
        names: Of all interfaces; asked of the kernel by default.
        sys: Where sysfs is mounted.
    """
    names = interface_names() if names is None else names
    if name not in names:  # also keeps "../.." out of the path
        return None
    net = sys / "class" / "net"
    try:
        kind = int(_read(net / name / "type"))
        is_up = bool(int(_read(net / name / "flags"), 16) & _IFF_UP)
    except OSError:  # it went away meanwhile
        return None
    radio = _radio(net / name)
    monitors = [
        other
        for other in names
        if other != name and radio is not None and _radio(net / other) == radio
        if _is_live_monitor(net / other)
    ]
    driver = net / name / "device" / "driver"
    return Interface(
        name,
        kind,
        is_up,
        radio is not None or (net / name / "wireless").is_dir(),
        _blocked(net / name),
        driver.resolve().name if driver.exists() else "",
        tuple(monitors),
        _kernel_frequency_mhz(name),
    )


def wireless_names(
    *, names: tuple[str, ...] | None = None, sys: Path = _SYS
) -> tuple[str, ...]:
    """Return the names of this machine's Wi-Fi interfaces."""
    names = interface_names() if names is None else names
    net = sys / "class" / "net"
    return tuple(
        name
        for name in names
        if (net / name / "phy80211").exists() or (net / name / "wireless").is_dir()
    )


def may_capture() -> bool:
    """Return whether this process may open packet sockets (CAP_NET_RAW)."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except PermissionError:
        return False
    return True


def board_model(path: Path = _BOARD) -> str:
    """Return what the board is called, e.g. ``Raspberry Pi 4 Model B Rev 1.4``.

    Empty where the firmware does not tell, as on most machines but ARM boards.
    """
    try:
        return path.read_bytes()[:200].rstrip(b"\0\n").decode("ascii", "replace")
    except OSError:
        return ""


def frequency_mhz(mantissa: int, exponent: int) -> int | None:
    """Return the frequency in a struct iw_freq, mantissa * 10^exponent [Hz].

    None where it holds a channel's number instead, as wireless.h allows below 1000, or
    nothing that could be Wi-Fi.
    """
    if mantissa <= 0 or not 0 <= exponent <= 9:
        return None
    hertz = mantissa * 10**exponent
    if hertz < _HIGHEST_CHANNEL_NUMBER:
        return None
    megahertz = round(hertz / 1e6)
    return megahertz if 2000 <= megahertz <= 8000 else None


def _kernel_frequency_mhz(name: str) -> int | None:
    request = struct.pack("16s16x", name.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            reply = fcntl.ioctl(sock, _SIOCGIWFREQ, request)
        except OSError:  # no Wi-Fi, or a kernel without these old calls
            return None
    return frequency_mhz(*struct.unpack_from("<ih", reply, 16))


def _radio(interface: Path) -> str | None:
    radio = interface / "phy80211"
    return str(radio.resolve()) if radio.exists() else None


def _is_live_monitor(interface: Path) -> bool:
    try:
        kind = int(_read(interface / "type"))
        flags = int(_read(interface / "flags"), 16)
    except OSError:
        return False
    return kind in MONITOR_KINDS and bool(flags & _IFF_UP)


def _blocked(interface: Path) -> str:
    """Return what keeps the radio off: ``hard`` needs a switch, ``soft`` a command."""
    for how in ("hard", "soft"):
        for switch in sorted((interface / "phy80211").glob(f"rfkill*/{how}")):
            with contextlib.suppress(OSError):
                if _read(switch).strip() == "1":
                    return how
    return ""


def _read(path: Path) -> str:
    """Return an attribute's text.

    Raises:
        OSError: It is not there.
    """
    try:
        return path.read_text(encoding="ascii")
    except UnicodeDecodeError as error:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL)) from error
