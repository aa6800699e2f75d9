"""Serve the review page on this machine until Ctrl-C."""

import secrets
import socket
import webbrowser
from collections.abc import Callable

import uvicorn

from infra.errors import InfraError
from infra.review.desk import Desk
from infra.review.server import application

_ADDRESS = "127.0.0.1"
# Reads that have begun may take this long after Ctrl-C, in seconds.
_END_SECONDS = 3.0


class PortTakenError(InfraError):
    """The port cannot be listened on."""


def serve(desk: Desk, port: int, announce: Callable[[str], None], *, browse: bool) -> None:
    """Serve the page, and return after Ctrl-C.

    Args:
        desk: the reviewer's desk.
        port: port of 127.0.0.1; 0 for any that is free.
        announce: called with the address, which holds the token.
        browse: open the address in the browser.

    Raises:
        PortTakenError: the port cannot be listened on.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_ADDRESS, port))
        listener.listen()  # whoever opens the address at once waits for the server, instead of being refused
    except OSError as error:
        listener.close()
        raise PortTakenError(f"port {port} cannot be used ({error.strerror}): choose another with --port.") from error
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(32)
    address = f"http://{_ADDRESS}:{port}/?token={token}"
    # Addresses hold the token, and keys of images are nobody's business, so there is no log of requests.
    settings = uvicorn.Config(
        application(desk, port, token), log_level="warning", access_log=False, server_header=False, lifespan="off"
    )
    desk.refresher.start()
    announce(address)
    if browse:
        webbrowser.open(address)
    try:
        with listener:
            uvicorn.Server(settings).run(sockets=[listener])
    finally:
        desk.attention.end()
        desk.refresher.join(_END_SECONDS)
