"""The port of the processes: theirs together, and nobody else's."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from server.supervisor.port import held


@contextlib.contextmanager
def listening(port: int, *, shared: bool) -> Iterator[int]:
    """Listens as a process of the supervisor does, or as somebody who wants the port alone."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield listener.getsockname()[1]


def port_of(address: str) -> int:
    host, _, port = address.rpartition(":")
    assert host == "127.0.0.1"
    return int(port)


def test_processes_share_it_and_take_all_its_connections() -> None:
    with held("127.0.0.1:0") as address:
        port = port_of(address)
        with listening(port, shared=True) as one, listening(port, shared=True) as other:
            assert one == other == port
            # Were one of them given to the socket that only holds the port, it would be refused.
            for _ in range(20):
                socket.create_connection(("127.0.0.1", port), timeout=60).close()


@pytest.mark.parametrize("shared", [True, False])
def test_a_port_on_which_somebody_listens_is_refused(shared: bool) -> None:
    with (
        listening(0, shared=shared) as port,
        pytest.raises(OSError, match=f"can't listen on 127.0.0.1:{port}: another program does"),
        held(f"127.0.0.1:{port}"),
    ):
        pass


def test_a_port_is_held_by_one_supervisor_at_a_time_even_while_nobody_listens() -> None:
    with (
        held("127.0.0.1:0") as address,
        pytest.raises(OSError, match=f"can't listen on {address}"),
        held(address),
    ):
        pass


def test_a_port_that_was_used_a_moment_ago_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            # The side that closes first keeps the connection for a minute, as a server that stops does.
            listener.accept()[0].close()
            assert client.recv(1) == b""
    with held(f"127.0.0.1:{port}") as address:
        assert port_of(address) == port


@pytest.mark.parametrize("address", ["192.0.2.1:0", "192.0.2.1:8443"])
def test_an_address_of_another_machine_is_refused(address: str) -> None:
    with pytest.raises(OSError, match=f"can't listen on {address}"), held(address):
        pass


def test_a_name_is_held_with_one_port_for_all_its_addresses() -> None:
    with held("localhost:0") as address:
        name, _, port = address.rpartition(":")
        assert name == "localhost"
        with (
            pytest.raises(OSError, match=r"in use"),
            socket.create_server(("127.0.0.1", int(port)), reuse_port=False),
        ):
            pass
