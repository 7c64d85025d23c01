"""Ports and short questions on the loopback interface, where every server of a single machine lives."""

import http.client
import os
import random
import socket
import urllib.request
from collections.abc import Collection

HOST = "127.0.0.1"
PORTS = range(18_000, 32_000)  # below the range from which systems take the ports of outgoing connections
STRIDE = 64  # processes that choose at the same moment choose different ports, unless their ids are 64 apart

# A proxy in the user's environment must never be asked for our own servers.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback interface now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int] = ()) -> int:
    """A port that is free now and not in `taken`."""
    own = PORTS[os.getpid() % STRIDE :: STRIDE]
    for port in (*random.sample(own, k=len(own)), *random.sample(PORTS, k=1_000)):
        if port not in taken and free(port):
            return port
    message = f"no free port between {PORTS.start} and {PORTS.stop} on {HOST}"
    raise OSError(message)


def free_ports(count: int) -> list[int]:
    """`count` different ports that are free now."""
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port(ports))
    return sorted(ports)


def listening(port: int) -> bool:
    """Whether something accepts connections on `port` of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def get(url: str, timeout: float = 5.0) -> bytes | None:
    """The body of a 2xx answer to GET; None for any other answer and for none within `timeout` seconds."""
    try:
        with _direct.open(url, timeout=timeout) as answer:
            body: bytes = answer.read()
            return body
    except (OSError, http.client.HTTPException):  # URLError is an OSError
        return None
