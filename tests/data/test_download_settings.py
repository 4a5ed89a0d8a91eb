"""Settings of a computer that stand in a download's way: proxies, certificates, homes."""

import datetime
import os
import subprocess
import sys
import time

import pytest
import requests
from misbehaving import Raw, head, says, trickle

from nn_helpers.data import cifar10, download
from nn_helpers.data.cifar10 import cache_dir, load_cifar10
from nn_helpers.data.download import download_cifar10

PROXIES = "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"
BUNDLES = "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"


@pytest.fixture
def settings(mirrors, monkeypatch):
    """A computer without settings for connections."""
    for name in (*PROXIES, *BUNDLES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


def why(place):
    """What `download_cifar10` says of its only server."""
    with pytest.raises(ConnectionError) as error:
        download_cifar10(place, progress=False)
    return str(error.value).splitlines()[1].partition(": ")[2]


@pytest.mark.parametrize(
    "value",
    ["http://[", "http://", "://", "two words", "http://host:99999", "http://host:port", "ftp://127.0.0.1:1"],
)
@pytest.mark.parametrize(
    ("name", "scheme"),
    [("HTTP_PROXY", "http"), ("http_proxy", "http"), ("HTTPS_PROXY", "https"), ("ALL_PROXY", "https")],
)
def test_a_proxy_that_is_malformed_is_named_by_its_variable(mirrors, place, settings, name, scheme, value):
    settings.setenv(name, value)
    download.MIRRORS = (f"{scheme}://{mirrors.host}/0",)
    said = why(place)
    assert said.startswith(f"no connection: {name} is no address of a proxy, such as http://host:8080;")
    assert said.endswith("correct it, or unset it")


def test_the_advice_works(small, mirrors, place, settings):
    settings.setenv("HTTP_PROXY", "http://[")
    assert "HTTP_PROXY" in why(place)
    settings.delenv("HTTP_PROXY")
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))


@pytest.mark.parametrize(
    "value", ["socks5://127.0.0.1:1", "socks4a://127.0.0.1:1", "socks5h://a:b@127.0.0.1:1"]
)
def test_a_socks_proxy_is_named_by_its_variable(mirrors, place, settings, value):
    settings.setenv("ALL_PROXY", value)
    settings.setitem(sys.modules, "socks", None)
    assert why(place) == (
        "no connection: ALL_PROXY names a SOCKS proxy, which needs the package PySocks; "
        "name an HTTP proxy, or unset it"
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("at", ["127.0.0.1:1", "nothing.invalid:8080"])
def test_a_proxy_that_does_not_answer_is_named_without_its_password(mirrors, place, settings, scheme, at):
    settings.setenv(f"{scheme}_proxy".upper(), f"http://me:s3cret@{at}")
    download.MIRRORS = (f"{scheme}://{mirrors.host}/0",)
    with pytest.raises(ConnectionError) as error:
        download_cifar10(place, progress=False)
    said = f"no connection: {scheme.upper()}_PROXY leads through a proxy; correct it, or unset it"
    assert said in str(error.value)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("answer", [head("407 Proxy Authentication Required"), b"", b"?" * 100])
def test_a_proxy_that_refuses_is_named(mirrors, place, settings, answer):
    with Raw(says(answer), b"") as proxy:
        settings.setenv("HTTPS_PROXY", f"http://{proxy.host}")
        download.MIRRORS = ("https://nothing.invalid/",)
        assert why(place).startswith("no connection: HTTPS_PROXY leads through a proxy")


def test_a_proxy_that_trickles_is_given_up(mirrors, place, settings):
    settings.setattr(download, "TIMEOUT", (5, 0.3))
    with Raw(lambda server: trickle(b"HTTP/1.1 200 " + b"x" * 1000), b"") as proxy:
        settings.setenv("HTTPS_PROXY", f"http://{proxy.host}")
        download.MIRRORS = ("https://nothing.invalid/",)
        began = time.monotonic()
        assert why(place) == "sends less than 10 kB a second"
        assert time.monotonic() - began < 10


def test_a_host_that_needs_no_proxy_is_asked_without(small, mirrors, place, settings):
    settings.setenv("HTTP_PROXY", "http://[")
    settings.setenv("NO_PROXY", "127.0.0.1")
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))


# Certificates


@pytest.mark.parametrize("name", BUNDLES)
def test_certificates_that_are_not_there_are_named_by_their_variable(mirrors, place, settings, name):
    settings.setenv(name, str(place / "nothing.pem"))
    download.MIRRORS = (f"https://{mirrors.host}/",)
    assert (
        why(place) == f"no secure connection, for {name} names a file that is not there: correct or unset it"
    )


def test_certificates_that_are_none_are_named_by_their_variable(mirrors, place, tmp_path, settings):
    (tmp_path / "not.pem").write_text("no certificate")
    settings.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "not.pem"))
    download.MIRRORS = (f"https://{mirrors.host}/",)
    assert "REQUESTS_CA_BUNDLE" in why(place)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("certificate verify failed: certificate is not yet valid", "is this computer's clock right?"),
        ("certificate verify failed: certificate has expired", f"it is not valid on {datetime.date.today()}"),
        ("certificate verify failed: self-signed certificate", "does this network want a login first?"),
    ],
)
def test_a_certificate_that_is_not_accepted_may_be_the_clocks_fault_or_the_networks(
    mirrors, place, settings, error, words
):
    def get(*arguments, **options):
        raise requests.exceptions.SSLError(error)

    settings.setattr(requests.Session, "get", get)
    said = why(place)
    assert said.startswith("no secure connection, its certificate is not accepted")
    assert words in said


# What a computer knows of its user


@pytest.mark.parametrize("content", [b"default login me password s3cret", b"machine", b"\xff\xfe\0", None])
def test_what_a_netrc_holds_is_neither_sent_nor_in_the_way(
    small, mirrors, place, tmp_path, settings, content
):
    netrc = tmp_path / "netrc"
    if content is None:
        netrc.mkdir()
    else:
        netrc.write_bytes(content)
    settings.setenv("NETRC", str(netrc))
    asked = []
    mirrors.does(lambda request: (asked.append(request.headers["Authorization"]), mirrors.good(request)))
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert asked == [None]


@pytest.fixture
def homeless(small, monkeypatch):
    """A container in which nobody knows the user."""
    pwd = pytest.importorskip("pwd")

    def nobody(uid):
        raise KeyError(uid)

    for name in ("HOME", "NN_HELPERS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    return monkeypatch


def test_without_a_home_folder_the_variables_to_set_are_named(homeless):
    for function in (cache_dir, download_cifar10):
        with pytest.raises(
            FileNotFoundError, match=r"no home folder.*NN_HELPERS_CACHE or CIFAR10_DIR to a folder"
        ):
            function()
    with pytest.raises(FileNotFoundError, match=r"found no CIFAR-10") as error:
        load_cifar10()
    assert f"{cifar10.NO_HOME}: set CIFAR10_DIR or NN_HELPERS_CACHE to a folder" in str(error.value)
    assert "~/" not in str(error.value).replace(cifar10.WAYS_TO_GET_IT, "")


@pytest.mark.parametrize("name", ["NN_HELPERS_CACHE", "CIFAR10_DIR"])
def test_without_a_home_folder_the_advice_works(small, mirrors, homeless, tmp_path, name):
    homeless.setenv(name, str(tmp_path / "mine"))
    download_cifar10(progress=False)
    assert small.is_in(load_cifar10())


def test_without_a_home_folder_a_copy_beside_the_lesson_is_found(small, homeless, nowhere):
    small.folder(nowhere / "work" / "data")
    assert small.is_in(load_cifar10())


@pytest.mark.skipif(os.name == "nt", reason="Windows guesses where a home would be")
def test_without_a_home_folder_the_command_line_says_what_to_set(tmp_path):
    program = (
        "import pwd, sys\n"
        "def nobody(uid): raise KeyError(uid)\n"
        "pwd.getpwuid = nobody\n"
        "from nn_helpers.__main__ import main\n"
        "sys.exit(main(['data']))\n"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "NN_HELPERS_CACHE or CIFAR10_DIR" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
