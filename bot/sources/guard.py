"""Which network addresses may be reached: the public internet and nothing behind it.

A feed's address is data from outside, and so is every redirect it answers with. Checking the name
before the connection is not enough, because a name may resolve to something else a moment later
and a literal address is never resolved at all. So the check is made where no one can get past it:
when the socket is made, on the address it is about to be connected to.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

#: The only IPv6 space handed out for global unicast (IANA IPv6 Address Space, RFC 4291 §2.4).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
#: Carries an IPv4 address in its last 32 bits for translation by a gateway (RFC 6052 §2.1).
_NAT64 = IPv6Network("64:ff9b::/96")


class PrivateAddressError(OSError):
    """The socket would have reached an address that is not public.

    The text is the same for every address: a name with several private addresses is then still
    told from one whose addresses failed for different reasons.
    """

    def __init__(self) -> None:
        super().__init__("not a public address")


def is_public(address: str) -> bool:
    """Whether a literal IPv4 or IPv6 address belongs to the public internet.

    IPv4 addresses inside IPv6 ones (mapped, 6to4, NAT64) are judged as what they reach.

    Raises:
        ValueError: `address` is not a literal IP address.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        inner = _embedded(ip)
        if inner is None:
            return ip in _GLOBAL_UNICAST and ip.is_global and not ip.is_multicast
        ip = inner
    return ip.is_global and not ip.is_multicast


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def public_socket(addr_info: tuple[Any, ...]) -> socket.socket:
    """Make the socket for one resolved address, as `aiohttp.TCPConnector(socket_factory=)` asks.

    Raises:
        PrivateAddressError: the address is not public.
        OSError: the system has no socket of that family.
    """
    family, kind, protocol, _, address = addr_info
    if not is_public(address[0]):
        raise PrivateAddressError
    return socket.socket(family=family, type=kind, proto=protocol)
