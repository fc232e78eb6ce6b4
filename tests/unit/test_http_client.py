"""How answers are read off a connection, also those that a proxy or a dying server gives."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from taskyard.client.http import Connection, ServerUnreachable

Say = Callable[..., Connection]
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def say() -> Iterator[Say]:
    """A connection to a server that answers each request with the next of the given bytes.

    At None, and at the end, it hangs up; it answers the rest on the next connection.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(60)
    threads = []

    def serve(answers: list[bytes | None]) -> None:
        while answers:
            with listening.accept()[0] as client:
                client.settimeout(60)
                while answers:
                    answer = answers.pop(0)
                    if answer is None or not client.recv(65536):
                        break
                    client.sendall(answer)

    def start(*answers: bytes | None) -> Connection:
        threads.append(threading.Thread(target=serve, args=(list(answers),)))
        threads[0].start()
        return Connection(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=60)

    yield start
    for thread in threads:
        thread.join(60)
    listening.close()


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 5\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
    ],
    ids=["length", "chunks", "continue", "until the end"],
)
def test_a_body_is_read_whole(say: Say, answer: bytes) -> None:
    assert say(answer).request("GET", "/").body == b"hello"


def test_one_connection_serves_call_after_call(say: Say) -> None:
    connection = say(*[OK + b"Content-Length: 1\r\n\r\n" + digit for digit in (b"1", b"2", b"3")])
    assert [connection.request("POST", "/", b"x").body for _ in range(3)] == [b"1", b"2", b"3"]
    connection.close()


def test_a_connection_that_ended_meanwhile_is_made_again(say: Say) -> None:
    body = OK + b"Content-Length: 1\r\n\r\n"
    connection = say(body + b"1", None, body + b"2")
    assert connection.request("GET", "/").body == b"1"
    assert connection.request("GET", "/").body == b"2"
    connection.close()


def test_headers_have_names_in_lower_case(say: Say) -> None:
    answer = say(OK + b"X-One: a\r\nx-one: b\r\nContent-Length: 0\r\n\r\n").request("GET", "/")
    assert (answer.headers["x-one"], answer.headers["x-two"]) == ("a, b", "")


def test_the_answer_to_head_has_no_body(say: Say) -> None:
    connection = say(OK + b"Content-Length: 5\r\n\r\n", OK + b"Content-Length: 1\r\n\r\nx")
    assert connection.request("HEAD", "/").body == b""
    assert connection.request("GET", "/").body == b"x"
    connection.close()


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 9\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n",
        OK + b"no colon\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
    ],
    ids=["cut off", "no size", "broken head", "not HTTP"],
)
def test_a_broken_answer_is_none(say: Say, answer: bytes) -> None:
    with pytest.raises(ServerUnreachable):
        say(answer).request("GET", "/")


def test_a_line_end_cannot_be_smuggled_into_the_head(say: Say) -> None:
    connection = say(OK + b"Content-Length: 0\r\n\r\n")
    with pytest.raises(ServerUnreachable, match="control character"):
        connection.request("GET", "/", headers={"X-A": "a\r\nX-B: b"})
    connection.request("GET", "/")
