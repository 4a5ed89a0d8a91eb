"""A browser for the tests of widgets, where there is one."""

import pytest
from browser import Lab, server_in_temporary_folder, what_is_missing


@pytest.fixture(scope="session")
def server():
    """JupyterLab; see browser.py."""
    if reason := what_is_missing():
        pytest.skip(reason)
    with server_in_temporary_folder() as server:
        yield server


@pytest.fixture(scope="module")
def lab(server):
    """JupyterLab and a browser, which is closed before tests that run an event loop of their own."""
    with Lab(server) as lab:
        yield lab


def pytest_collection_modifyitems(items):
    """Try a test in the browser a second time: on a busy machine a kernel or a page may come too late."""
    for item in items:
        if item.path.name.startswith("test_browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))
