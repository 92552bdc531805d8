"""Why nothing is heard, or nothing that is CSI: the likeliest cause by name.

The order of causes is that of the reports of Nexmon's users (nexmon_csi issues 9, 22,
31, 78, 104, 139, 208, 243 and its FAQ): monitor mode, chip not armed, wrong channel, no
traffic, filter, a chip that cannot.
"""

from dataclasses import dataclass

from edge_agent.csi.refusal import Refusal
from edge_agent.interface import Interface
from edge_agent.preflight.finding import Finding, stop
from edge_agent.preflight.hearing import Hearing

TRAFFIC = "ping -i 0.02 the access point from a device in its network"
"""What raises the rate, or makes one."""

_NO_CSI_BOARDS = ("Raspberry Pi 3 Model B Rev", "Raspberry Pi Zero")
"""Their chips, bcm43430a1 and bcm43436, have no CSI firmware (nexmon_csi issues 7,
360)."""

_REFUSED = {
    str(Refusal.SPOOFED): "another program sends to UDP port 5500 on this network; "
    "stop it, and capture on the Wi-Fi interface",
    str(Refusal.TRUNCATED): "capture whole packets: tcpdump -s 0",
    str(Refusal.LINK_TYPE): "capture on wlan0, not on mon0",
    str(Refusal.BAD_CHANSPEC): "the firmware crashed or its interface is down: sudo "
    "rmmod brcmfmac; sudo modprobe brcmfmac (or restart), then arm the chip again",
    str(Refusal.UNKNOWN_CHIP): "edge_agent frames FILE shows what a recording holds; "
    "firmware_notes/README.md lists the chips",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The machine on which an interface was listened to."""

    interface: Interface

    wireless: tuple[str, ...] = ()
    """Its Wi-Fi interfaces."""

    board: str = ""
    """As of `edge_agent.interface.board_model`."""


def check_silence(
    hearing: Hearing, name: str, surroundings: Surroundings | None
) -> Finding:
    """Return why there may be no packet at all."""
    if surroundings is None:
        if hearing.has_ended:
            return stop("no-frames", f"{name} ended without a packet", _look_at(name))
        return stop(
            "no-frames",
            f"no packet from {name} in {hearing.listened_s:.0f} s",
            "is what writes to it running, unbuffered (tcpdump -U)? Is the chip armed "
            f"(nexutil -k)? Is there traffic? ({TRAFFIC}.)",
        )
    interface = surroundings.interface
    silence = f"no CSI frame on {name} in {hearing.listened_s:.0f} s"
    if not interface.is_wireless and surroundings.wireless:
        return stop(
            "not-wireless",
            f"{silence}; it is no Wi-Fi interface",
            " or ".join(f"--iface {other}" for other in surroundings.wireless),
        )
    if surroundings.board.startswith(_NO_CSI_BOARDS):
        return stop(
            "no-csi-chip",
            f"{silence}; the Wi-Fi chip of a {surroundings.board} has no CSI firmware",
            "take a Raspberry Pi 3B+ or 4B; firmware_notes/README.md lists what can",
        )
    if interface.is_wireless and not interface.is_monitor and not interface.monitors:
        return stop(
            "no-monitor",
            f"{silence}; no interface of its radio is in monitor mode and up, so the "
            "chip drops what is not sent to it",
            f"sudo iw dev {name} interface add mon0 type monitor && sudo ip link set "
            "mon0 up, then arm the chip again ('not supported': its firmware is not "
            "Nexmon's)",
        )
    tuned = (
        f"; the kernel says {interface.frequency_mhz} MHz"
        if interface.frequency_mhz
        else ""
    )
    return stop(
        "no-frames",
        silence,
        "is the chip armed (after a restart it is not: makecsiparams, nexutil)? Is it "
        f"on the access point's channel (nexutil -k{tuned}), and does nothing scan "
        f"(wpa_supplicant)? Is there traffic? ({TRAFFIC}.) Do the parameters -m and -b "
        "let it pass?",
    )


def check_no_csi(hearing: Hearing, name: str) -> Finding:
    """Return what came instead of CSI."""
    reason, count = hearing.refused.most_common(1)[0]
    return stop(
        "no-csi",
        f"none of {hearing.n_packets} packets from {name} is a CSI frame; {count}: "
        f"{reason}",
        _REFUSED.get(reason, _look_at("FILE")),
    )


def _look_at(name: str) -> str:
    return f"edge_agent frames {name} shows what a recording holds"
