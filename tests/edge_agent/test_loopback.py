"""Which brokers are on this machine."""

import socket

import pytest

from edge_agent.loopback import is_loopback, is_loopback_address


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("127.1", True),  # as inet_aton reads it, and so do those who connect
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("128.0.0.1", False),
        ("126.255.255.255", False),
        ("0.0.0.0", False),
        ("192.168.1.10", False),
        ("::", False),
        ("::2", False),
        ("::ffff:192.168.1.10", False),
        ("fe80::1", False),
        ("no-such-host.invalid", None),
        ("", None),
        ("a" * 64 + ".example", None),  # no name can be that long
    ],
)
def test_a_host_is_told_by_its_address(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["127.0.0.1"], True),
        (["127.0.0.1", "::1"], True),
        (["127.0.0.1", "192.0.2.1"], False),
        (["192.0.2.1", "127.0.0.1"], False),
        (["192.0.2.1"], False),
    ],
)
def test_a_name_counts_by_all_its_addresses(monkeypatch, addresses, expected):
    answers = [
        (socket.AF_INET6 if ":" in a else socket.AF_INET, 1, 6, "", (a, 0))
        for a in addresses
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: answers)

    assert is_loopback("broker.example") is expected


def test_an_address_may_name_its_interface():
    assert not is_loopback_address("fe80::1%eth0")
