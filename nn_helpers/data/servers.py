"""Ask a server for a file, and give it up when it is slow, never ends, or sends us round in circles.

requests waits for each piece of an answer by itself, so that a server which sends a byte now and then is
never given up; a thread here looks at how much has come. Redirects are followed here, too: requests reads the
page that comes with one to its end, however long it is. What a ``.netrc`` holds is nobody's business here.
"""

import os
import socket
import threading
from contextlib import contextmanager, suppress
from datetime import date
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

_MOST_REDIRECTS = 5
_FAILURES = requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError


class MirrorError(Exception):
    """What went wrong with one server, in a few words."""

    def __init__(self, words, busy=False):
        super().__init__(words)
        self.busy = busy


class Watch:
    """Closes the connections to a server once it has sent too little in a window of time.

    The first look is after two windows, for connecting takes time, and then there is one after each window.

    Parameters
    ----------
    rate : float
        The least bytes a second.
    window : float
        Seconds.
    """

    def __init__(self, rate, window):
        self.rate, self.window = rate, window
        self.received, self.slow = 0, False
        self._sockets, self._lock, self._ended = [], threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._ended.set()
        self._thread.join()
        for connection in self._sockets:
            connection.close()

    def add(self, connection):
        """Close this one, too, when the time has come."""
        with self._lock:
            self._sockets.append(connection.dup())  # TLS takes the original away
            if self.slow:
                self._close()

    def _look(self):
        before, wait = 0, 2 * self.window
        while not self._ended.wait(wait):
            if self.received - before < self.rate * self.window:
                with self._lock:
                    self.slow = True
                    self._close()
                return
            before, wait = self.received, self.window

    def _close(self):
        for connection in self._sockets:
            with suppress(OSError):  # it may be closed already
                connection.shutdown(socket.SHUT_RDWR)


class _Adapter(requests.adapters.HTTPAdapter):
    """Lets a watch see every connection, those to a proxy as well."""

    def __init__(self, watch):
        self.watch = watch
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs)
        self._show(self.poolmanager)

    def proxy_manager_for(self, *args, **kwargs):
        return self._show(super().proxy_manager_for(*args, **kwargs))

    def _show(self, manager):
        watch = self.watch

        def watched(pool):
            class Connection(pool.ConnectionCls):
                def _new_conn(self):  # urllib3's own; `connect` would be too late, after TLS's first words
                    connection = super()._new_conn()
                    watch.add(connection)
                    return connection

            return type(pool.__name__, (pool,), {"ConnectionCls": Connection})

        classes = manager.pool_classes_by_scheme.items()
        manager.pool_classes_by_scheme = {scheme: watched(pool) for scheme, pool in classes}
        return manager


class _Session(requests.Session):
    """Looks at no redirect: to follow one or not, requests would read its page to the end, into memory."""

    def resolve_redirects(self, *args, **kwargs):
        return iter(())


class Answer:
    """What a server answers: `status`, `reason`, `headers`, and its content, to be read."""

    def __init__(self, response, watch):
        self.status, self.reason, self.headers = response.status_code, response.reason, response.headers
        self.url, self._raw, self._watch = response.url, response.raw, watch

    def read(self, size):
        """Return at most `size` bytes as they were sent, none at the end."""
        with _explain(self.url, self._watch):
            chunk = self._raw.read(size, decode_content=False)
        self._watch.received += len(chunk)
        return chunk


@contextmanager
def ask(url, headers, timeout, watch):
    """Give the server's answer, after redirects.

    Raises
    ------
    MirrorError
        If there is none; also from the answer's `read`.
    """
    with _Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(watch))
        for hop in range(_MOST_REDIRECTS + 1):
            with _explain(url, watch, timeout, hop):
                response = session.get(
                    url, headers=headers, stream=True, timeout=timeout, allow_redirects=False,
                    auth=lambda request: request,
                )  # fmt: skip
            with response:
                if not response.is_redirect:
                    yield Answer(response, watch)
                    return
                with _explain(url, watch, timeout, hop + 1):
                    url = urljoin(url, response.headers["Location"])
    raise MirrorError("redirects again and again")


@contextmanager
def _explain(url, watch, timeout=(), hop=0):
    try:
        yield
    except _FAILURES as error:
        if watch.slow:
            words = f"sends less than {watch.rate / 1000:g} kB a second"
        elif isinstance(error, requests.ConnectTimeout):
            words = f"no connection within {timeout[0]} s{_proxy(url, error)}"
        elif isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
            words = f"no answer for {watch.window} s"
        elif isinstance(error, requests.exceptions.SSLError):
            words = f"no secure connection, {_certificate(str(error))}"
        elif "CA certificate bundle" in str(error):
            words = (
                f"no secure connection, for {_bundle()} names a file that is not there: correct or unset it"
            )
        elif hop and isinstance(error, ValueError):
            words = "redirects to an address that makes no sense"
        else:
            words = f"no connection{_proxy(url, error)}"
        raise MirrorError(words) from None


def _certificate(error):
    """Say why a certificate may not be accepted."""
    words = "its certificate is not accepted"
    if "not yet valid" in error or "expired" in error:
        return f"{words}: it is not valid on {date.today()}; is this computer's clock right?"
    if _bundle():
        return f"{words}; {_bundle()} names those that are: correct it, or unset it"
    return f"{words} (does this network want a login first?)"


def _bundle():
    names = "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"
    return next((name for name in names if os.environ.get(name)), None)


def _proxy(url, error):
    """Say which setting leads through a proxy, and what to do; not its value, which may hold a password."""
    proxy = ""
    with suppress(ValueError):
        proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
        if not proxy:
            return ""
    scheme = urlsplit(url).scheme
    names = f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"
    name = next((name for name in names if os.environ.get(name)), "this computer's setting")
    if "SOCKS" in str(error):
        return (
            f": {name} names a SOCKS proxy, which needs the package PySocks; name an HTTP proxy, or unset it"
        )
    if isinstance(error, ValueError) or len(proxy.split()) > 1:  # not every version of urllib3 sees it
        return f": {name} is no address of a proxy, such as http://host:8080; correct it, or unset it"
    return f": {name} leads through a proxy; correct it, or unset it"
