"""What can be wrong with an interface before the first packet."""

import difflib

from edge_agent.csi.raw import CSI_LINK_TYPES, LINK_RADIOTAP
from edge_agent.interface import (
    ARPHRD_IEEE80211_RADIOTAP,
    Interface,
)
from edge_agent.preflight.finding import Finding, ok, stop


def check_interface(
    name: str,
    interface: Interface | None,
    *,
    names: tuple[str, ...],
    link_types: tuple[int, ...] = CSI_LINK_TYPES,
    may_capture: bool = True,
) -> list[Finding]:
    """Return what is wrong with an interface, or that nothing is.

    Args:
        name: As it was asked for.
        interface: What the kernel tells of it; None: there is none.
        names: Of all interfaces of this machine.
        link_types: What is to be read from it.
        may_capture: Whether this process may open packet sockets.
    """
    if interface is None and name in names:
        return [_hidden_interface(name)]
    if interface is None:
        return [no_interface(name, names)]
    findings = [*_check_kind(interface, link_types), *_check_up(interface)]
    if not may_capture:
        findings.append(no_permission(name))
    return findings or [ok("interface", f"interface {name} is up")]


def no_interface(name: str, names: tuple[str, ...]) -> Finding:
    """Return that there is no such interface, and which there are."""
    what = f"there is no interface {name}; this machine has {', '.join(names)}"
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return stop("no-interface", what, f"did you mean --iface {close[0]}?")
    return stop(
        "no-interface",
        what,
        "name one of these with --iface; if it was there before, its driver did not "
        "load, perhaps since the kernel was updated (dmesg | grep brcmfmac)",
    )


def _hidden_interface(name: str) -> Finding:
    """Return that the kernel lists an interface of which sysfs knows nothing."""
    return stop(
        "hidden-interface",
        f"/sys/class/net does not show interface {name}, which the kernel has: /sys is "
        "that of another network namespace, or the interface is going away",
        "in a namespace, start the agent with sudo ip netns exec, which mounts its own "
        "/sys; else plug the adapter in again",
    )


def no_permission(name: str) -> Finding:
    """Return that this process may not capture."""
    return stop(
        "no-permission",
        f"no permission to capture on {name}",
        "use sudo (it needs CAP_NET_RAW)",
    )


def _check_kind(interface: Interface, link_types: tuple[int, ...]) -> list[Finding]:
    """Return whether what it hands over can be read."""
    name = interface.name
    if not interface.is_monitor:
        return []
    if interface.kind != ARPHRD_IEEE80211_RADIOTAP:
        return [
            stop(
                "no-radiotap",
                f"interface {name} is in monitor mode without radiotap headers, which "
                "tell the received power",
                "sudo iw dev <name> interface add mon0 type monitor makes one that has "
                "them, where the driver can",
            )
        ]
    if LINK_RADIOTAP not in link_types:
        return [
            stop(
                "monitor-interface",
                f"interface {name} is in monitor mode; CSI arrives as UDP on the one "
                "it was made of",
                "--iface wlan0",
            )
        ]
    return []


def _check_up(interface: Interface) -> list[Finding]:
    name = interface.name
    if interface.blocked == "hard":
        return [
            stop(
                "radio-off",
                f"the radio of {name} is switched off by hardware (rfkill)",
                "find the machine's Wi-Fi switch; rfkill list shows it",
            )
        ]
    if interface.blocked:
        return [
            stop(
                "radio-off",
                f"the radio of {name} is blocked (rfkill)",
                "sudo rfkill unblock wifi; on a Raspberry Pi it stays blocked until a "
                "country is set: sudo raspi-config nonint do_wifi_country US",
            )
        ]
    if not interface.is_up:
        return [
            stop(
                "interface-down",
                f"interface {name} is down",
                f"sudo ip link set {name} up",
            )
        ]
    return []
