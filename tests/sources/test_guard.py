"""What counts as public, over every kind of address that is not."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources.guard import PrivateAddressError, is_public, public_socket

PRIVATE = [
    "0.0.0.0",  # noqa: S104  to be refused
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001:db8::1",
    "2001::1",
    "2002:7f00:1::",
    "2002:c0a8:1::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address):
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_however_it_is_wrapped(ip):
    wrapped = [
        f"::ffff:{ip}",
        f"64:ff9b::{ip}",
        str(ipaddress.IPv6Address((0x2002 << 112) | (int(ip) << 80) | 1)),
    ]
    assert {is_public(address) for address in wrapped} == {is_public(str(ip))}


@given(st.ip_addresses(v=6))
def test_nothing_that_python_calls_private_passes(ip):
    if is_public(str(ip)):
        assert ip.is_global
        assert not ip.is_multicast


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1"])
def test_no_socket_is_made_for_a_private_address(address):
    info = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 80))
    with pytest.raises(PrivateAddressError):
        public_socket(info)


def test_a_socket_is_made_for_a_public_address():
    info = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("8.8.8.8", 80))
    with public_socket(info) as made:
        assert made.family == socket.AF_INET
        assert made.type == socket.SOCK_STREAM
