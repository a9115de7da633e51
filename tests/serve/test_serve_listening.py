"""The socket and its address."""

from __future__ import annotations

import socket

import httpx
import pytest
from running_server import running

from charter.serve import Listening, Served, make_app


def test_port_0_takes_a_free_one_and_the_address_says_which() -> None:
    app = make_app(Served({}))
    first, second = (Listening.bind(app, "127.0.0.1", 0) for _ in range(2))
    with first.socket, second.socket:
        assert first.address != second.address
        assert first.address == f"http://127.0.0.1:{first.socket.getsockname()[1]}/v1"


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_ipv6_loopback_is_this_machine_too() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with running(Served({}), host="::1") as base:
        assert base.startswith("http://[::1]:")
        assert httpx.get(f"{base}/models").json()["data"] == []


def test_others_reach_it_by_any_name_only_where_it_is_meant_for_others() -> None:
    for only_local, status in ((True, 400), (False, 200)):
        with running(Served({}), only_local=only_local) as base:
            assert httpx.get(f"{base}/models", headers={"Host": "gpu7.lab"}).status_code == status
