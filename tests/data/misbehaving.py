"""Servers that do not do what they should. `SERVERS` says what each sends."""

import itertools
import socket
import struct
import threading
import time
from contextlib import suppress

RESET = "reset"
PATIENCE = 15  # seconds after which even they end, and a test fails instead of hanging
TICK = 0.05  # seconds from byte to byte, where they trickle


class Raw:
    """A server that sends pieces as they are: bytes, seconds to wait, or `RESET`; then it closes."""

    def __init__(self, pieces, archive):
        self.pieces, self.archive, self.closing, self.connections = pieces, archive, threading.Event(), 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listening.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.closing.set()
        with suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join()

    def _serve(self):
        with suppress(OSError):
            while not self.closing.is_set():
                connection, _ = self.listening.accept()
                self.connections += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection, suppress(OSError):
            connection.settimeout(20)
            connection.recv(65_536)
            end = time.monotonic() + PATIENCE
            for piece in self.pieces(self):
                if self.closing.is_set() or time.monotonic() > end:
                    return
                if piece == RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                if isinstance(piece, float):
                    self.closing.wait(piece)
                else:
                    connection.sendall(piece)


def head(status="200 OK", **fields):
    """A status line and headers; the names' underscores are hyphens."""
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def says(*pieces):
    return lambda server: pieces


def trickle(content):
    for byte in content:
        yield TICK
        yield bytes([byte])


def slowly(*pieces, after=b""):
    """Send pieces byte by byte, and the last one again and again."""
    *once, last = pieces

    def send(server):
        yield after
        for piece in itertools.chain(once, itertools.repeat(last)):
            yield from trickle(piece)

    return send


def endless(*pieces):
    """Send the last piece again and again."""
    *once, last = pieces
    return lambda server: itertools.chain(once, itertools.repeat(last))


def moved(location, **fields):
    return head("302 Found", Location=location, Content_Length=0, **fields)


def redirects(location):
    return lambda server: [moved(location.replace("HOST", server.host))]


def whole(change=lambda archive: archive, **fields):
    return lambda server: [head(**{"Content_Length": len(server.archive), **fields}), change(server.archive)]


def begins(size, *rest, **fields):
    """Send so many bytes of the archive, then the rest."""

    def send(server):
        yield head(**{"Content_Length": len(server.archive), **fields})
        yield server.archive[:size]
        yield from rest

    return send


def begins_and_trickles(server):
    yield from begins(200_000)(server)
    yield from trickle(server.archive[200_000:])


def chunk(content):
    return b"%x\r\n%s\r\n" % (len(content), content)


GZIP = b"\x1f\x8b\x08\0"
CHUNKED = head(Transfer_Encoding="chunked")
LONG = 60.0

SERVERS = {
    # connections and first lines
    "closes at once": says(),
    "resets at once": says(RESET),
    "silent": says(LONG),
    "noise": says(bytes(range(256)) * 10),
    "noise for ever": endless(b"x" * 10_000),
    "lines for ever": endless(b"x\r\n" * 1000),
    "empty lines for ever": endless(b"\r\n" * 1000),
    "a first line byte by byte": slowly(b"HTTP/1.1 ", b"2"),
    "a first line without end": endless(b"HTTP/1.1 200 ", b"O" * 10_000),
    "a version of its own": says(b"HTTP/9.9 200 OK\r\n\r\n"),
    "a status in letters": says(b"HTTP/1.1 abc OK\r\n\r\n"),
    "a status of 20 digits": says(b"HTTP/1.1 %d OK\r\n\r\n" % 10**20),
    "radio": says(b"ICY 200 OK\r\n\r\n", GZIP),
    "HTTP 0.9": lambda server: [server.archive],
    "TLS where none is asked for": says(b"\x15\x03\x03\0\2\2\x28"),
    "https that is none": says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "https byte by byte": slowly(b"\x16\x03\x03\x40\0\2", b"\0"),
    "https that is silent": says(LONG),
    # what comes before the answer
    "continue for ever": endless(head("100 Continue") * 100),
    "continue for ever, slowly": slowly(head("100 Continue")),
    "continue for ever, with headers": endless(head("100 Continue", X="x" * 60_000)),
    "early hints for ever": endless(head("103 Early Hints") * 100),
    "another protocol": says(head("101 Switching Protocols", Upgrade="x")),
    # headers
    "headers byte by byte": slowly(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
    "headers for ever": endless(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n" * 100),
    "a header without end": endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 10_000),
    "large headers": says(b"HTTP/1.1 200 OK\r\n" + (b"X: " + b"x" * 60_000 + b"\r\n") * 99 + b"\r\n"),
    "headers without a colon": says(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", GZIP),
    "headers that break off": says(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "headers of nothing": says(b"HTTP/1.1 200 OK\r\n\0: \0\r\n\r\n"),
    # redirects
    "round in circles": redirects("http://HOST/"),
    "round in circles, slowly": lambda server: [0.15, moved(f"http://{server.host}/")],
    "ever further": redirects("./further/"),
    "to a malformed address": redirects("http://[::1"),
    "to a port that is none": redirects("http://127.0.0.1:99999/"),
    "to no address": redirects(""),
    "to two slashes": redirects("//"),
    "to a file": redirects("file:///etc/passwd"),
    "to another protocol": redirects("ftp://127.0.0.1/"),
    "to a program": redirects("javascript:alert(1)"),
    "to a name that nobody has": redirects("http://nothing.invalid/"),
    "to a name with a dot too many": redirects("http://.example.invalid/"),
    "to a long name": redirects(f"http://{'x' * 5000}/"),
    "to bytes": redirects("http://127.0.0.1\xff\xfe/"),
    "to https that is none": redirects("https://HOST/"),
    "a redirect with a page without end": endless(head("302 Found", Location="/"), b"x" * 10_000),
    "a redirect with a page byte by byte": slowly(b"x", after=head("302 Found", Location="/")),
    # lengths
    "a length below zero": says(head(Content_Length=-5), GZIP),
    "a length in letters": says(head(Content_Length="all"), GZIP),
    "a length of 30 digits": says(head(Content_Length=10**30), GZIP),
    "two lengths": says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", GZIP),
    "no content": says(head(Content_Length=0)),
    "ends early": begins(200_000),
    "ends early, as if that was all": says(head(), GZIP * 1000),
    # content
    "content byte by byte": slowly(GZIP, b"x", after=head()),
    "content byte by byte after a good beginning": begins_and_trickles,
    "silent after a good beginning": begins(200_000, LONG),
    "resets after a good beginning": begins(200_000, RESET),
    "content for ever": endless(head(), GZIP, b"x" * 10_000),
    "other content": whole(lambda archive: archive[:1000] + bytes(len(archive) - 1000)),
    "one bit is wrong": whole(lambda archive: archive[:-1] + bytes([archive[-1] ^ 1])),
    "a page for ever": endless(head(Content_Type="text/html"), b"<p>" * 1000),
    "a page without a type": says(head(), b"<!DOCTYPE html>"),
    "zeros for ever": endless(head(), bytes(10_000)),
    # chunks
    "chunks for ever": endless(CHUNKED, chunk(GZIP + b"x" * 1000)),
    "chunks byte by byte": slowly(chunk(GZIP), chunk(b"x"), after=CHUNKED),
    "a chunk's size in letters": says(CHUNKED, b"size\r\n"),
    "a chunk's size below zero": says(CHUNKED, b"-5\r\nx\r\n"),
    "a chunk's size without end": endless(CHUNKED, b"0" * 10_000),
    "a chunk's size of 60,000 digits": says(CHUNKED, b"f" * 60_000 + b"\r\n", GZIP),
    "a chunk with notes without end": endless(CHUNKED, b"5;", b"x" * 10_000),
    "headers after the chunks for ever": endless(CHUNKED, chunk(GZIP) + b"0\r\n", b"X: x\r\n" * 100),
    "headers after the chunks byte by byte": slowly(b"X: x\r\n", after=CHUNKED + chunk(GZIP) + b"0\r\n"),
    # statuses
    "a part nobody asked for": says(head("206 Partial Content", Content_Range="bytes 5-9/10"), b"x" * 5),
    "a part of nonsense": says(head("206 Partial Content", Content_Range="x"), GZIP),
    "not changed": says(head("304 Not Modified")),
    "nothing to say": says(head("204 No Content")),
    "wants a password": says(head("401 Unauthorized", WWW_Authenticate="Basic realm=x")),
    "is a proxy": says(head("407 Proxy Authentication Required", Proxy_Authenticate="Basic")),
    "wants a login": says(head("511 Network Authentication Required"), b"<p>"),
    "always busy": says(head("503 Service Unavailable", Retry_After=100_000)),
    "always busy, slowly": slowly(head("503 Service Unavailable")),
    "an error with a page for ever": endless(head("500 Internal Server Error"), b"x" * 10_000),
}
