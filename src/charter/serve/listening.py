"""The server on its socket, until it is told to stop."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from charter.errors import ServingError
from charter.printable import printable

GRACE_SECONDS = 5  # that answers under way have to be finished in, once the server is told to stop


@dataclass(frozen=True, slots=True)
class Listening:
    """An application on a socket that is bound already, so that its port is known before it runs."""

    server: uvicorn.Server
    socket: socket.socket

    @classmethod
    def bind(cls, app: Starlette, host: str, port: int) -> Listening:
        """Port 0 takes a free one. Raises ``ServingError`` if the address can't be had."""
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            bound = socket.create_server((host, port), family=family, backlog=256)
        except (OSError, UnicodeError) as error:
            raise ServingError(
                f"can't listen on {printable(host)}, port {port}: {error}",
                "Give another --port, or a --host of this machine; port 0 takes a free one.",
            ) from error
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,  # a path is a client's text
            server_header=False,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        return cls(uvicorn.Server(config), bound)

    @property
    def address(self) -> str:
        """The base URL, as clients take it."""
        host, port = self.socket.getsockname()[:2]
        return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"

    def run(self) -> None:
        """Serves until Ctrl-C, which is raised again (``KeyboardInterrupt``) once all is shut down."""
        self.server.run(sockets=[self.socket])
