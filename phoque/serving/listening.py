"""Whether a port is free, asked before a model is loaded."""

import os
import socket

from phoque.errors import PhoqueError


def check_free(host: str, port: int) -> None:
    """PhoqueError where nothing can listen there: the port is taken or forbidden, or there is no such host."""
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if os.name == "posix":  # a connection that has just ended does not hold the port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise PhoqueError(
            f"Cannot listen on {host}:{port} ({error.strerror or error}): is the port taken? Choose "
            "another one with --port, or stop what listens there."
        ) from error
