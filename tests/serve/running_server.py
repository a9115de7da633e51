"""A server in a thread, on a free port, for as long as a block."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from charter.serve import Listening, Served, make_app


@contextmanager
def running(served: Served, host: str = "127.0.0.1", *, only_local: bool = True) -> Iterator[str]:
    """The base URL, with ``/v1``, of a server that runs as long as the block."""
    listening = Listening.bind(make_app(served, only_local=only_local), host, 0)
    thread = threading.Thread(target=listening.run)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not listening.server.started:
            assert thread.is_alive() and time.monotonic() < deadline
            time.sleep(0.01)
        yield listening.address
    finally:
        listening.server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()
