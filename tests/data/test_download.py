import errno
import gzip
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
import tqdm.auto
from faults import names
from servers import ALL_THERE, hostile, part

from nn_helpers import __main__ as cli
from nn_helpers.data import download
from nn_helpers.data.cifar10 import FILES, load_cifar10
from nn_helpers.data.download import download_cifar10

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


def test_what_is_damaged_is_replaced_as_the_message_advises(small, mirrors, place):
    mirrors.does(mirrors.good)
    damaged = small.folder(place, test_batch=b"\xff" * 61_460) / "test_batch.bin"
    with pytest.raises(ValueError, match=r"label 255; .*Delete it, or .*; then .*, or run download_cifar10"):
        load_cifar10(place)
    damaged.unlink()
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    with pytest.warns(UserWarning, match="place: no test_batch in it.*Copy what is missing"):
        assert small.is_in(load_cifar10(place))


def test_it_goes_where_the_variable_says_because_that_is_where_it_is_looked_for(
    small, mirrors, nowhere, monkeypatch
):
    monkeypatch.setenv("CIFAR10_DIR", str(nowhere / "wished"))
    mirrors.does(mirrors.good)
    assert download_cifar10(progress=False) == nowhere / "wished" / "cifar-10-batches-bin"
    assert small.is_in(load_cifar10())


@pytest.mark.parametrize("packed_again", [False, True])
def test_an_archive_that_was_there_is_used_as_it_is_and_stays(
    small, mirrors, place, monkeypatch, packed_again
):
    content = gzip.compress(gzip.decompress(mirrors.archive), 1) if packed_again else mirrors.archive
    place.mkdir()
    archive = place / "cifar-10-binary.tar.gz"
    archive.write_bytes(content)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9, 0))
    mirrors.does(mirrors.good)
    assert download_cifar10(place, progress=False) == archive
    assert small.is_in(load_cifar10(place))
    assert archive.read_bytes() == content
    assert names(place) == [archive.name]
    assert mirrors.requests == []


def test_a_bad_archive_that_was_there_is_refused_and_stays(small, mirrors, place):
    archive = small.archive(place / "cifar-10-binary.tar.gz", test_batch=None)
    lacking, cut = archive.read_bytes(), mirrors.archive[:-1000]
    mirrors.does(mirrors.good)
    for content, error, reason in ((lacking, FileNotFoundError, "no test_batch"), (cut, ValueError, "cut")):
        archive.write_bytes(content)
        with pytest.raises(error, match=rf"binary\.tar\.gz: {reason}.*Delete it, or move it away; then"):
            download_cifar10(place, progress=False)
        assert archive.read_bytes() == content
    assert names(place) == [archive.name]
    assert mirrors.requests == []


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


def ten_places(archive):
    return random.Random(0).sample(range(len(archive)), 10)


@pytest.mark.parametrize("ranges", [True, False], ids=["Range", "no Range"])
def test_a_download_that_is_cut_anywhere_is_continued_by_the_next_call(small, mirrors, tmp_path, ranges):
    for stop in ten_places(mirrors.archive):
        place = tmp_path / str(stop)
        mirrors.does(mirrors.cut_at(stop))
        with pytest.raises(ConnectionError):
            download_cifar10(place, progress=False)
        assert part(place).read_bytes() == mirrors.archive[:stop]
        with pytest.raises(FileNotFoundError):
            load_cifar10(place)
        mirrors.does(mirrors.good if ranges else mirrors.cannot_resume)
        assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
        assert mirrors.requests[-1] == (0, f"bytes={stop}-")
        assert names(place) == ALL_THERE


@pytest.mark.parametrize("ranges", [True, False], ids=["Range", "no Range"])
def test_what_ten_cut_connections_brought_is_never_given_up(small, mirrors, place, ranges):
    stops = ten_places(mirrors.archive)
    for i, stop in enumerate(stops):
        mirrors.does(mirrors.cut_at(stop, ranges))
        with pytest.raises(ConnectionError):
            download_cifar10(place, progress=False)
        assert part(place).read_bytes() == mirrors.archive[: max(stops[: i + 1])]
    mirrors.does(mirrors.good if ranges else mirrors.cannot_resume)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_once_more(small, mirrors, place, code):
    mirrors.does(mirrors.busy(code))
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert mirrors.requests == [(0, None), (0, None)]


def test_a_server_that_says_there_is_no_such_file_is_not_asked_again(mirrors, place):
    mirrors.does(mirrors.says(404))
    with pytest.raises(ConnectionError, match="answers 404 Not Found"):
        download_cifar10(place, progress=False)
    assert mirrors.requests == [(0, None)]


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
    "stalls": (lambda mirrors: mirrors.stalls, "no answer for 0.5 s after 65,536 of"),
    "silent": (lambda mirrors: mirrors.silent, "no answer for 0.5 s"),
}


SLOW = "stalls", "silent"


@pytest.mark.parametrize("failure", FAILURES)
def test_after_a_server_that_fails_the_next_is_asked(small, mirrors, place, monkeypatch, failure):
    if failure in SLOW:
        monkeypatch.setattr(download, "TIMEOUT", (10, 0.5))
    behaviour, _ = FAILURES[failure]
    mirrors.does(behaviour(mirrors), mirrors.good)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert names(place) == ALL_THERE


@pytest.mark.parametrize("failure", FAILURES)
def test_when_all_servers_fail_one_error_says_why_and_what_else_to_do(mirrors, place, monkeypatch, failure):
    if failure in SLOW:
        monkeypatch.setattr(download, "TIMEOUT", (10, 0.5))
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


def closed_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def test_after_a_server_that_refuses_the_connection_the_next_is_asked(small, mirrors, place, monkeypatch):
    mirrors.does(mirrors.good)
    refuses = f"http://127.0.0.1:{closed_port()}/"
    monkeypatch.setattr(download, "MIRRORS", (refuses, *download.MIRRORS))
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))


def test_a_server_that_cannot_be_reached_in_time_is_given_up(place, monkeypatch):
    def get(*arguments, timeout, **options):
        assert timeout == (10, 30)
        raise requests.ConnectTimeout

    monkeypatch.setattr(requests.Session, "get", get)
    with pytest.raises(ConnectionError) as error:
        download_cifar10(place, progress=False)
    assert str(error.value).count(": no connection within 10 s\n") == len(download.MIRRORS)


@pytest.mark.parametrize("failure", ["says 404", "wrong bytes", "web page", "cut", "hangs up"])
def test_a_failure_is_one_message_on_the_command_line(mirrors, place, capfd, caplog, monkeypatch, failure):
    behaviour, reason = FAILURES[failure]
    mirrors.does(behaviour(mirrors))
    assert cli.main(["data", "--root", str(place), "--quiet"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert caplog.messages == []
    assert err.startswith("python -m nn_helpers data: CIFAR-10 could not be downloaded:\n")
    (said,) = [line for line in err.splitlines() if line.startswith(f"  {mirrors.host}: ")]
    assert reason in said
    assert err.count("Three ways to get CIFAR-10") == 1
    assert "Traceback" not in err


def test_where_there_is_no_network_the_error_says_so(small, nowhere, place, monkeypatch):
    port = closed_port()
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


@pytest.mark.parametrize("missing", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_drive_without_locks_is_no_reason_to_wait_for_ever(small, mirrors, place, monkeypatch, missing):
    fcntl = pytest.importorskip("fcntl")

    def flock(*args):
        raise OSError(missing, os.strerror(missing))

    monkeypatch.setattr(fcntl, "flock", flock)
    mirrors.does(mirrors.good)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))


# What it promises in general


WRITES = {"os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1, "os.truncate": 0, "os.chmod": 0}
written = None  # paths, while a test collects them


def collect(event, arguments):
    """An audit hook: Python calls it whenever a file is opened, renamed, linked."""
    if written is None:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, str) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            written.append(path)
    elif event in WRITES and not isinstance(arguments[WRITES[event]], int):  # of a file opened before
        written.append(os.fspath(arguments[WRITES[event]]))


def test_whatever_is_sent_nothing_is_written_outside_the_cache(small, mirrors, place, tmp_path, monkeypatch):
    global written
    sys.addaudithook(collect)  # it cannot be taken away again
    behaviours = [behaviour(mirrors) for name, (behaviour, _) in FAILURES.items() if name not in SLOW]
    mirrors.use(small.archive(tmp_path / "bad.tar.gz", extra=hostile(tmp_path)).read_bytes())
    mirrors.does(*behaviours, mirrors.good)
    written = []
    try:
        download_cifar10(place)
        collected = written
    finally:
        written = None
    assert len(collected) > 20
    assert [path for path in collected if not Path(path).is_relative_to(place)] == []


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
    assert not loaded & {"filelock", "platformdirs", "requests", "urllib3", "tqdm"}
