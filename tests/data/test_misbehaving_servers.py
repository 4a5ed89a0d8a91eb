import os
import socket
import time

import pytest
from faults import names
from misbehaving import SERVERS, Raw
from servers import ALL_THERE

from nn_helpers.data import download
from nn_helpers.data.cifar10 import load_cifar10
from nn_helpers.data.download import download_cifar10
from nn_helpers.data.servers import Watch

EVERY = bool(os.environ.get("NN_HELPERS_COSTLY"))  # all of them take half a minute
FEW = [
    "silent", "https byte by byte", "continue for ever", "headers byte by byte", "round in circles",
    "to a file", "to a malformed address", "a redirect with a page without end", "two lengths",
    "chunks for ever",
    "content byte by byte after a good beginning", "headers after the chunks for ever", "always busy",
]  # fmt: skip
WORDS = {
    "silent": "no answer for 0.3 s",
    "continue for ever": "sends less than 10 kB a second",
    "round in circles": "redirects again and again",
    "to a malformed address": "redirects to an address that makes no sense",
    "to a file": "redirects to an address that makes no sense",
    "a redirect with a page without end": "redirects again and again",  # the page is not read
    "always busy": "answers 503 Service Unavailable",
}
WINDOW = 0.3  # seconds, in the place of 30


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (5, WINDOW))


@pytest.mark.parametrize("name", SERVERS if EVERY else FEW)
def test_a_server_that_does_not_do_what_it_should_is_given_up_in_time_and_in_a_few_words(
    small, mirrors, place, short, monkeypatch, name
):
    scheme = "https" if name.startswith("https") else "http"
    with Raw(SERVERS[name], mirrors.archive) as raw, monkeypatch.context() as alone:
        alone.setattr(download, "MIRRORS", (f"{scheme}://{raw.host}/",))
        began = time.monotonic()
        with pytest.raises(ConnectionError) as error:
            download_cifar10(place, progress=False)
        assert time.monotonic() - began < 2 * WINDOW + 10
    assert raw.connections
    said = str(error.value).splitlines()[1]
    assert said.startswith(f"  {raw.host}: ")
    assert said.isprintable()
    assert len(said) < 200
    assert WORDS.get(name, "") in said

    mirrors.does(mirrors.good)  # what came of the other server, if anything, does no harm
    folder = download_cifar10(place, progress=False)
    assert small.is_in(load_cifar10(folder))
    assert names(place) == ALL_THERE


def test_a_connection_that_tls_took_over_is_closed_too():
    ours, theirs = socket.socketpair()
    with theirs, Watch(1, 0.1) as watch:
        watch.add(ours)
        with socket.socket(fileno=ours.detach()) as taken:
            taken.settimeout(10)
            assert taken.recv(1) == b""
    assert watch.slow


def test_sixty_such_servers_are_known():
    assert len(SERVERS) >= 60
    assert set(FEW) < set(SERVERS)


def test_a_line_as_slow_as_the_slowest_server_is_not_given_up(mirrors, place, monkeypatch):
    """55 kB a second, for four windows of half a second."""
    monkeypatch.setattr(download, "TIMEOUT", (5, 0.5))
    archive = mirrors.archive[:110_000]
    mirrors.use(archive)

    def slow(server):
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 110000\r\n\r\n"
        for at in range(0, len(archive), 5500):
            yield 0.1
            yield archive[at : at + 5500]

    with Raw(slow, archive) as raw:
        download.MIRRORS = (f"http://{raw.host}/",)
        with pytest.raises(
            ValueError, match=r"gz\.whole: cut short"
        ):  # it all came, and its checksum is right
            download_cifar10(place, progress=False)
    assert raw.connections == 1


def test_the_least_rate_is_far_below_that_of_the_slowest_server():
    assert download.LEAST_RATE <= 55_000 / 5
    assert f"less than {download.LEAST_RATE // 1000} kB a second" in download_cifar10.__doc__
