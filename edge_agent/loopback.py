"""Whether a host is this machine, by its address: 127.0.0.0/8 or ::1.

Names are resolved, and count only if all their addresses are such: whoever connects may
take any of them.
"""

import ipaddress
import socket


def is_loopback(host: str) -> bool | None:
    """Tell whether a connection to a host cannot leave this machine.

    Args:
        host: A name or an address.

    Returns:
        None where the name does not resolve: it is not on this machine, as far as
        anybody knows.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    return all(is_loopback_address(str(address[0])) for *_, address in found)


def is_loopback_address(address: str) -> bool:
    """Tell whether an address in digits is a loopback address."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return parsed.is_loopback
