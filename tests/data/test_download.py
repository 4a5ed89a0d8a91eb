import errno
import hashlib
import http.server
import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pooch
import pytest
import tqdm.auto

from nn_helpers.data import download
from nn_helpers.data.cifar10 import FILES, load_cifar10
from nn_helpers.data.download import download_cifar10


class Mirrors:
    """A server on this computer. `mirrors.does(…)` says what its first, second, … address do."""

    def __init__(self, monkeypatch, archive):
        self.archive, self.monkeypatch = archive, monkeypatch
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

    def does(self, *behaviours):
        self.behaviours = behaviours
        addresses = tuple(f"http://{self.host}/{i}" for i in range(len(behaviours)))
        self.monkeypatch.setattr(download, "MIRRORS", addresses)

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

    def cannot_resume(self, request):
        del request.headers["Range"]
        self.good(request)

    def cut_and_cannot_resume(self, request):
        del request.headers["Range"]
        self.cut(request)

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

    @staticmethod
    def says(code):
        return lambda request: request.send_error(code)

    def hangs_up(self, request):
        pass


@pytest.fixture
def mirrors(small, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pooch.get_logger(), "disabled", True)  # it writes to a stderr pytest has closed
    archive = small.archive(tmp_path / "made.tar.gz").read_bytes()
    monkeypatch.setattr(download, "ARCHIVE_SIZE", len(archive))
    monkeypatch.setattr(download, "ARCHIVE_SHA256", hashlib.sha256(archive).hexdigest())
    mirrors = Mirrors(monkeypatch, archive)
    yield mirrors
    mirrors.close()


@pytest.fixture
def place(tmp_path):
    return tmp_path / "place"


def part(place):
    return place / "cifar-10-binary.tar.gz.part"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


ALL_THERE = ["cifar-10-batches-bin", "cifar-10-binary.tar.gz.lock"]


# When all goes well


def test_what_was_downloaded_is_what_load_cifar10_then_finds(small, mirrors, nowhere, capfd):
    mirrors.does(mirrors.good)
    folder = download_cifar10(progress=False)
    assert folder == nowhere / "cache" / "cifar-10-batches-bin"
    assert names(folder) == ["batches.meta.txt", *(f"{name}.bin" for name in FILES)]
    assert names(folder.parent) == ALL_THERE
    assert small.is_in(load_cifar10())
    assert small.is_in(load_cifar10(folder))
    assert capfd.readouterr() == ("", "")


def test_what_is_complete_is_not_downloaded_again(mirrors, place):
    mirrors.does(mirrors.good)
    folder = download_cifar10(place, progress=False)
    times = [path.stat().st_mtime_ns for path in folder.iterdir()]
    mirrors.does()
    assert download_cifar10(place) == folder
    assert download_cifar10(folder) == folder
    assert [path.stat().st_mtime_ns for path in folder.iterdir()] == times
    assert len(mirrors.requests) == 1


def test_what_is_complete_is_not_touched(small, place):
    small.folder(place / "cifar-10-batches-bin")
    assert download_cifar10(place) == place / "cifar-10-batches-bin"
    assert names(place) == ["cifar-10-batches-bin"]


def test_what_is_incomplete_is_completed(small, mirrors, place):
    small.folder(place / "cifar-10-batches-bin", data_batch_2=b"half a file", test_batch=None)
    mirrors.does(mirrors.good)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))


def test_it_goes_where_the_variable_says_because_that_is_where_it_is_looked_for(
    small, mirrors, nowhere, monkeypatch
):
    monkeypatch.setenv("CIFAR10_DIR", str(nowhere / "wished"))
    mirrors.does(mirrors.good)
    assert download_cifar10(progress=False) == nowhere / "wished" / "cifar-10-batches-bin"
    assert small.is_in(load_cifar10())


def test_a_good_archive_that_is_there_already_is_used(small, mirrors, place):
    place.mkdir()
    (place / "cifar-10-binary.tar.gz").write_bytes(mirrors.archive)
    mirrors.does(mirrors.says(404))
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert mirrors.requests == []


def test_a_bad_archive_that_is_there_already_is_replaced(small, mirrors, place):
    place.mkdir()
    (place / "cifar-10-binary.tar.gz").write_bytes(b"bad")
    mirrors.does(mirrors.good)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))


def test_progress_is_shown_with_the_servers_name(mirrors, place, capfd):
    mirrors.does(mirrors.good)
    download_cifar10(place)
    shown = capfd.readouterr().err
    assert mirrors.host in shown
    assert "100%" in shown


def test_a_server_that_calls_the_gzip_its_own_encoding_is_understood(small, mirrors, place):
    mirrors.does(mirrors.as_encoding)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))


def test_a_server_that_does_not_say_the_length_is_understood(small, mirrors, place):
    mirrors.does(mirrors.without_a_length)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))


# What a learner can meet


def test_a_cut_download_is_continued_from_the_next_server(small, mirrors, place):
    mirrors.does(mirrors.cut, mirrors.good)
    half = len(mirrors.archive) // 2
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert mirrors.requests == [(0, None), (1, f"bytes={half}-")]


def test_a_download_that_ends_early_as_if_it_were_complete_is_continued_too(small, mirrors, place):
    mirrors.does(mirrors.cut_without_a_length, mirrors.good)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert mirrors.requests == [(0, None), (1, "bytes=200000-")]


def test_a_cut_download_is_continued_by_the_next_call(small, mirrors, place):
    half = len(mirrors.archive) // 2
    mirrors.does(mirrors.cut)
    with pytest.raises(ConnectionError) as error:
        download_cifar10(place, progress=False)
    kept = (
        f"{half:,} of {len(mirrors.archive):,} bytes are in {part(place)}; the next call goes on from there."
    )
    assert kept in str(error.value)
    assert part(place).read_bytes() == mirrors.archive[:half]
    assert not list(place.glob("*.gz"))

    mirrors.does(mirrors.good)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert mirrors.requests[1:] == [(0, f"bytes={half}-")]


def test_a_download_that_is_interrupted_by_the_keyboard_is_continued(small, mirrors, place, monkeypatch):
    class Interrupting(tqdm.auto.tqdm):
        def update(self, n=1):
            super().update(n)
            if self.n > 200_000:
                raise KeyboardInterrupt

    mirrors.does(mirrors.good)
    with monkeypatch.context() as patched:
        patched.setattr(tqdm.auto, "tqdm", Interrupting)
        with pytest.raises(KeyboardInterrupt):
            download_cifar10(place)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    (_, first), (_, second) = mirrors.requests
    assert first is None
    assert int(second.strip("bytes=-")) > 0


def test_a_part_that_was_complete_needs_no_server(small, mirrors, place):
    place.mkdir()
    part(place).write_bytes(mirrors.archive)
    mirrors.does(mirrors.says(404))
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert mirrors.requests == []


def test_a_server_that_cannot_continue_sends_everything(small, mirrors, place):
    mirrors.does(mirrors.cut, mirrors.cannot_resume)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert len(mirrors.requests) == 2


@pytest.mark.parametrize("size", ["shorter", "as long", "longer"])
def test_a_part_of_something_else_is_thrown_away_and_the_same_server_asked_again(small, mirrors, place, size):
    length = {"shorter": 5000, "as long": len(mirrors.archive), "longer": len(mirrors.archive) + 1}[size]
    place.mkdir()
    part(place).write_bytes(b"\x1f\x8b" + b"x" * (length - 2))
    mirrors.does(mirrors.good)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert mirrors.requests[-1] == (0, None)
    assert len(mirrors.requests) <= 2


FAILURES = {
    "says 404": (lambda mirrors: mirrors.says(404), "answers 404 Not Found"),
    "says 503": (lambda mirrors: mirrors.says(503), "answers 503 Service Unavailable"),
    "hangs up": (lambda mirrors: mirrors.hangs_up, "no connection"),
    "web page": (
        lambda mirrors: mirrors.web_page,
        "sends a web page instead (does this network want a login first?)",
    ),
    "nameless page": (lambda mirrors: mirrors.nameless_page, "sends something that is no archive"),
    "wrong size": (lambda mirrors: mirrors.wrong_size, "bytes, the archive has"),
    "wrong bytes": (lambda mirrors: mirrors.wrong_bytes, "wrong checksum; the file was removed"),
    "another range": (lambda mirrors: mirrors.another_range, "sends a part of something else (bytes 0-9/"),
    "cut": (lambda mirrors: mirrors.cut, " bytes"),
    "cut without a length": (lambda mirrors: mirrors.cut_without_a_length, "sent no more after 200,000 of"),
    "stalls": (lambda mirrors: mirrors.stalls, "no answer for 1 s after 65,536 of"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_after_a_server_that_fails_the_next_is_asked(small, mirrors, place, monkeypatch, failure):
    if failure == "stalls":
        monkeypatch.setattr(download, "TIMEOUT", (10, 1))
    behaviour, _ = FAILURES[failure]
    mirrors.does(behaviour(mirrors), mirrors.good)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert names(place) == ALL_THERE


@pytest.mark.parametrize("failure", FAILURES)
def test_when_all_servers_fail_one_error_says_why_and_what_else_to_do(mirrors, place, monkeypatch, failure):
    if failure == "stalls":
        monkeypatch.setattr(download, "TIMEOUT", (10, 1))
    behaviour, reason = FAILURES[failure]
    mirrors.does(behaviour(mirrors), mirrors.says(500))
    with pytest.raises(ConnectionError) as error:
        download_cifar10(place, progress=False)
    first, second = [line for line in str(error.value).splitlines() if line.startswith(f"  {mirrors.host}: ")]
    assert reason in first
    assert second.endswith("answers 500 Internal Server Error")
    for way in ["download_cifar10()", "make data", "CIFAR10_DIR", "load_images()"]:
        assert way in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None
    assert set(names(place)) <= {"cifar-10-binary.tar.gz.part", "cifar-10-binary.tar.gz.lock"}
    with pytest.raises(FileNotFoundError):
        load_cifar10(place)


def test_where_there_is_no_network_the_error_says_so(small, nowhere, place, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(
        download,
        "MIRRORS",
        (f"http://127.0.0.1:{port}/", "http://nothing.invalid/", f"https://127.0.0.1:{port}/"),
    )
    with pytest.raises(ConnectionError) as error:
        download_cifar10(place, progress=False)
    assert str(error.value).count("no connection") == 3
    assert "Nothing was kept" in str(error.value)


@pytest.mark.parametrize("page", ["web_page", "nameless_page", "wrong_size"])
def test_a_server_that_sends_something_else_does_not_cost_what_was_there(mirrors, place, page):
    mirrors.does(mirrors.cut, getattr(mirrors, page))
    with pytest.raises(ConnectionError):
        download_cifar10(place, progress=False)
    assert part(place).read_bytes() == mirrors.archive[: len(mirrors.archive) // 2]


def test_a_server_that_sends_without_end_is_stopped(mirrors, place):
    mirrors.does(mirrors.endless)
    download_cifar10(place, progress=False)
    assert names(place) == ALL_THERE


# The disk


def test_a_disk_too_small_is_noticed_before_anything_is_downloaded(mirrors, place, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 0, 700_000))
    mirrors.does(mirrors.good)
    with pytest.raises(OSError, match=r"needs 1 MB in .*place.*; 1 MB are free\. Make room") as error:
        download_cifar10(place, progress=False)
    assert error.value.errno == errno.ENOSPC
    assert mirrors.requests == []
    assert names(place) == ["cifar-10-binary.tar.gz.lock"]


@pytest.mark.parametrize("full_at", ["cifar-10-binary.tar.gz.part", "data_batch_3.bin"])
def test_a_disk_that_fills_up_leaves_nothing_that_looks_whole(small, mirrors, place, monkeypatch, full_at):
    real_open, filled = open, []

    class Full(io.FileIO):
        def write(self, content):
            if self.tell() + len(content) > 50_000:
                filled.append(self.name)
                super().write(content[:100])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(content)

    def open_until_full(path, mode="r", *args, **kwargs):
        writes = mode in ("wb", "ab") and Path(path).name == full_at
        return Full(path, mode) if writes else real_open(path, mode, *args, **kwargs)

    mirrors.does(mirrors.good, mirrors.good)
    with monkeypatch.context() as patched:
        patched.setattr(download, "open", open_until_full, raising=False)
        with pytest.raises(OSError, match=r"MB are free\. Make room and call it again") as error:
            download_cifar10(place, progress=False)
    assert error.value.errno == errno.ENOSPC
    assert error.value.__suppress_context__
    assert filled
    assert len(mirrors.requests) == 1  # another server would not help
    assert not (place / "cifar-10-batches-bin").exists()
    assert not (place / "cifar-10-batches-bin.part").exists()
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(mirrors, place):
    place.write_text("this is a file")
    mirrors.does(mirrors.good)
    with pytest.raises(OSError, match="place"):
        download_cifar10(place)
    assert mirrors.requests == []


@pytest.mark.skipif(os.name == "nt", reason="Windows guesses where a home would be")
def test_a_home_folder_that_nobody_has_is_not_made(nowhere, monkeypatch):
    with pytest.raises(
        FileNotFoundError, match=r"download_cifar10: root is '~nobody.*no home folder is known"
    ):
        download_cifar10("~nobody-of-this-name/data")
    monkeypatch.setenv("CIFAR10_DIR", "~nobody-of-this-name")
    with pytest.raises(FileNotFoundError, match="download_cifar10: CIFAR10_DIR is '~nobody"):
        download_cifar10()
    assert list(Path().iterdir()) == []


def test_a_process_that_is_killed_while_unpacking_leaves_nothing_that_looks_whole(
    small, mirrors, place, monkeypatch
):
    mirrors.does(mirrors.good)
    seen = []

    def killed(*args):
        seen.append(names(place))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(download.shutil, "rmtree", lambda *args, **kwargs: None)  # nobody tidies up either
        patched.setattr(download.shutil, "copyfileobj", killed)
        with pytest.raises(KeyboardInterrupt):
            download_cifar10(place, progress=False)
    assert seen == [["cifar-10-batches-bin.part", "cifar-10-binary.tar.gz", "cifar-10-binary.tar.gz.lock"]]
    assert (place / "cifar-10-batches-bin.part").exists()
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert names(place) == ALL_THERE
    assert len(mirrors.requests) == 1


# What an archive must not do


def member(name, kind=tarfile.REGTYPE, link="", content=b""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, link, len(content), 0o4777
    return info, content


def test_an_archive_cannot_write_anywhere_else(small, mirrors, place, tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    extra = [
        member("../victim", content=b"changed"),
        member(str(victim), content=b"changed"),
        member("cifar-10-batches-bin/more.txt", content=b"not one of the seven"),
        member("cifar-10-batches-bin/data_batch_1.bin", tarfile.SYMTYPE, str(victim)),
        member("cifar-10-batches-bin/data_batch_2.bin", tarfile.LNKTYPE, "../../../victim"),
        member("cifar-10-batches-bin/data_batch_3.bin", tarfile.FIFOTYPE),
        member("cifar-10-batches-bin/data_batch_4.bin", tarfile.CHRTYPE),
        member("cifar-10-batches-bin/data_batch_5.bin", tarfile.DIRTYPE),
    ]
    use_archive(mirrors, monkeypatch, small.archive(tmp_path / "bad.tar.gz", extra=extra).read_bytes())
    folder = download_cifar10(place, progress=False)
    assert victim.read_text() == "as it was"
    assert names(place) == ALL_THERE
    assert names(folder) == ["batches.meta.txt", *(f"{name}.bin" for name in FILES)]
    assert all(path.is_file() and not path.is_symlink() for path in folder.iterdir())
    assert not any(path.stat().st_mode & 0o4000 for path in folder.iterdir())
    assert small.is_in(load_cifar10(folder))


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"data_batch_2": bytes(61_461)}, r"data_batch_2\.bin in it has 61,461 bytes"),
        ({"data_batch_2": bytes(61_459)}, r"data_batch_2\.bin in it has 61,459 bytes"),
        ({"data_batch_2": None, "test_batch": None}, r"no data_batch_2\.bin, no test_batch\.bin in it"),
    ],
)
def test_an_archive_with_wrong_contents_is_not_unpacked(
    small, mirrors, place, tmp_path, monkeypatch, changed, complaint
):
    use_archive(mirrors, monkeypatch, small.archive(tmp_path / "bad.tar.gz", **changed).read_bytes())
    with pytest.raises(ValueError, match=complaint):
        download_cifar10(place, progress=False)
    assert not (place / "cifar-10-batches-bin").exists()
    assert not (place / "cifar-10-batches-bin.part").exists()


def use_archive(mirrors, monkeypatch, archive):
    mirrors.archive = archive
    monkeypatch.setattr(download, "ARCHIVE_SIZE", len(archive))
    monkeypatch.setattr(download, "ARCHIVE_SHA256", hashlib.sha256(archive).hexdigest())
    mirrors.does(mirrors.good)


# Two at once

PROGRAM = """
import sys
from nn_helpers.data import cifar10, download
cifar10.RECORDS_PER_FILE = 20
download.ARCHIVE_SIZE, download.ARCHIVE_SHA256 = int(sys.argv[2]), sys.argv[3]
download.MIRRORS = (sys.argv[4],)
print(download.download_cifar10(sys.argv[1], progress=len(sys.argv) > 5))
"""


def test_two_processes_at_once_download_once(small, mirrors, place):
    def slow(request):
        time.sleep(1)
        mirrors.good(request)

    mirrors.does(slow)
    arguments = [place, download.ARCHIVE_SIZE, download.ARCHIVE_SHA256, download.MIRRORS[0]]
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments), "with progress"]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert sum("Another process is downloading" in out for out, _ in outputs) <= 1
    assert len(mirrors.requests) == 1
    assert names(place) == ALL_THERE
    assert small.is_in(load_cifar10(place))


def test_one_that_comes_later_waits_for_the_first_and_says_so(small, mirrors, place, capsys, monkeypatch):
    started, waited = threading.Event(), threading.Event()

    def slow(request):
        started.set()
        waited.wait(10)
        mirrors.good(request)

    def sleep(seconds, really=time.sleep):
        waited.set()
        really(seconds)

    monkeypatch.setattr(download.time, "sleep", sleep)
    mirrors.does(slow)
    first = threading.Thread(target=download_cifar10, args=(place,), kwargs={"progress": False})
    first.start()
    assert started.wait(10)
    assert small.is_in(load_cifar10(download_cifar10(place)))
    first.join()
    assert "Another process is downloading CIFAR-10 already; waiting for it." in capsys.readouterr().out
    assert len(mirrors.requests) == 1


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is for Linux and macOS")
def test_a_process_that_is_killed_does_not_block_the_next(small, mirrors, place):
    mirrors.does(mirrors.stalls)
    arguments = [place, download.ARCHIVE_SIZE, download.ARCHIVE_SHA256, download.MIRRORS[0]]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)], stderr=subprocess.DEVNULL
    )
    while not (part(place).exists() and part(place).stat().st_size):
        time.sleep(0.02)
    process.kill()
    process.wait()
    mirrors.does(mirrors.good)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert mirrors.requests[-1] != (0, None)  # it went on with what the killed one had written


def test_a_drive_without_locks_is_no_reason_to_wait_for_ever(mirrors, place, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def flock(*args):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    mirrors.does(mirrors.good)
    download_cifar10(place, progress=False)


# What it promises in general


def test_the_archive_is_the_one_everybody_knows():
    assert download.ARCHIVE_SIZE == 170_052_171
    assert download.ARCHIVE_SHA256 == "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
    for url in download.MIRRORS:
        assert url.startswith("https://")
        assert url.endswith("/cifar-10-binary.tar.gz")
    assert "toronto" in download.MIRRORS[-1]  # the original is the slow one


def test_importing_the_module_loads_nothing_that_only_a_download_needs():
    program = "import sys, nn_helpers.data.cifar10, nn_helpers.data.download; print(*sys.modules)"
    loaded = set(subprocess.check_output([sys.executable, "-c", program], text=True).split())
    assert not loaded & {"pooch", "requests", "urllib3", "tqdm"}
