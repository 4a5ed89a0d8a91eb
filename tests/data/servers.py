"""A server on this computer that sends CIFAR-10 in every way a server can."""

import hashlib
import http.server
import tarfile
import threading

from nn_helpers.data import download

ALL_THERE = ["cifar-10-batches-bin", "cifar-10-binary.tar.gz.lock"]
DOWNLOADED = ["cifar-10-binary.tar.gz.lock", "cifar-10-binary.tar.gz.whole"]


def part(place):
    return place / "cifar-10-binary.tar.gz.part"


class Mirrors:
    """A server on this computer. `mirrors.does(…)` says what its first, second, … address do."""

    def __init__(self, monkeypatch, archive):
        self.monkeypatch = monkeypatch
        self.closing = threading.Event()
        self.requests = []  # (address, the Range asked for) of each request
        mirrors = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                address = int(self.path.strip("/"))
                mirrors.requests.append((address, self.headers["Range"]))
                self.close_connection = True
                mirrors.behaviours[address](self)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = False  # so that closing waits for their sockets to be closed

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.use(archive)

    def does(self, *behaviours):
        self.behaviours = behaviours
        addresses = tuple(f"http://{self.host}/{i}" for i in range(len(behaviours)))
        self.monkeypatch.setattr(download, "MIRRORS", addresses)

    def use(self, archive):
        """Send another archive, which is then the right one."""
        self.archive = archive
        self.monkeypatch.setattr(download, "ARCHIVE_SIZE", len(archive))
        self.monkeypatch.setattr(download, "ARCHIVE_SHA256", hashlib.sha256(archive).hexdigest())
        self.does(self.good)

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    # What an address can do

    def good(self, request, archive=None, stop=None):
        """Send the archive, or what is asked of it; `stop` cuts the connection at that byte."""
        archive = self.archive if archive is None else archive
        start = 0
        if request.headers["Range"]:
            start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{len(archive) - 1}/{len(archive)}")
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(len(archive) - start))
        request.end_headers()
        request.wfile.write(archive[start:stop])

    def cut(self, request):
        self.good(request, stop=len(self.archive) // 2)

    def cut_at(self, stop, ranges=True):
        """Cut the connection at a byte of the archive, counted from its beginning."""

        def cut(request):
            if not ranges:
                del request.headers["Range"]
            start = int((request.headers["Range"] or "0").strip("bytes=-"))
            self.good(request, stop=max(start, stop))

        return cut

    def cannot_resume(self, request):
        del request.headers["Range"]
        self.good(request)

    def busy(self, code):
        """Answer with an error the first time."""
        answers = iter([self.says(code), self.good])
        return lambda request: next(answers)(request)

    def wrong_bytes(self, request):
        self.good(request, archive=self.archive[:1000] + bytes(len(self.archive) - 1000))

    def wrong_size(self, request):
        self.good(request, archive=self.archive + b"more")

    def without_a_length(self, request, content=None, kind="application/gzip"):
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.end_headers()
        request.wfile.write(self.archive if content is None else content)

    def cut_without_a_length(self, request):
        self.without_a_length(request, self.archive[:200_000])

    def endless(self, request):
        self.without_a_length(request, self.archive + b"more" * 100_000)

    def web_page(self, request):
        self.without_a_length(
            request, b"<!DOCTYPE html><title>Log in</title>", kind="text/html; charset=utf-8"
        )

    def nameless_page(self, request):
        self.without_a_length(
            request, b"<!DOCTYPE html><title>Log in</title>", kind="application/octet-stream"
        )

    def another_range(self, request):
        request.send_response(206)
        request.send_header("Content-Range", f"bytes 0-9/{len(self.archive)}")
        request.end_headers()
        request.wfile.write(self.archive[:10])

    def as_encoding(self, request):
        """Say that the gzip is the connection's, as some servers do for .gz files."""
        request.send_response(200)
        request.send_header("Content-Encoding", "gzip")
        request.send_header("Content-Length", str(len(self.archive)))
        request.end_headers()
        request.wfile.write(self.archive)

    def stalls(self, request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(self.archive)))
        request.end_headers()
        request.wfile.write(self.archive[:70_000])
        request.wfile.flush()
        self.closing.wait(10)

    def silent(self, request):
        self.closing.wait(10)

    @staticmethod
    def says(code):
        return lambda request: request.send_error(code)

    def hangs_up(self, request):
        pass


def member(name, kind=tarfile.REGTYPE, link="", content=b""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, link, len(content), 0o4777
    return info, content


def hostile(folder):
    """Members of an archive that want to be written over `folder`/victim, and other nonsense."""
    victim = str(folder / "victim")
    return [
        member("../victim", content=b"changed"),
        member(victim, content=b"changed"),
        member("cifar-10-batches-bin/more.txt", content=b"not one of the seven"),
        member("cifar-10-batches-bin/data_batch_1.bin", tarfile.SYMTYPE, victim),
        member("cifar-10-batches-bin/data_batch_2.bin", tarfile.LNKTYPE, "../../../victim"),
        member("cifar-10-batches-bin/data_batch_3.bin", tarfile.FIFOTYPE),
        member("cifar-10-batches-bin/data_batch_4.bin", tarfile.CHRTYPE),
        member("cifar-10-batches-bin/data_batch_5.bin", tarfile.DIRTYPE),
        member("cifar-10-batches-bin/test_batch.bin", tarfile.BLKTYPE),
    ]
