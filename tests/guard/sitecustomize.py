"""Put on a child process's path: no connection of it may leave this machine.

The same hook guards the test process itself; see `tests/conftest.py`.
"""

import ipaddress
import sys


def _refuse_others(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = args[1]
        if isinstance(address, tuple):
            host = str(address[0]).split("%")[0]
            try:
                loopback = ipaddress.ip_address(host).is_loopback
            except ValueError:
                loopback = host == "localhost"
            if not loopback:
                raise AssertionError(f"a connection to {address!r}, which is not this machine")
    elif event == "socket.getaddrinfo" and args[0] is not None:
        host = args[0].decode() if isinstance(args[0], bytes) else str(args[0])
        try:
            ipaddress.ip_address(host.split("%")[0])
        except ValueError:
            if host != "localhost" and not host.endswith(".localhost"):
                raise AssertionError(f"a look-up of {host!r}, which is not this machine") from None


sys.addaudithook(_refuse_others)
