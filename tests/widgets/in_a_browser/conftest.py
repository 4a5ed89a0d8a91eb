"""A browser for the tests of widgets, where there is one."""

from pathlib import Path

import pytest
from browser import Lab, running_chromium, server_in_temporary_folder, what_is_missing


@pytest.fixture(scope="package")
def browser():
    """Chromium. It is closed before tests that run an event loop of their own."""
    if reason := what_is_missing():
        pytest.skip(reason)
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def lab(browser):
    """JupyterLab; see browser.py."""
    with server_in_temporary_folder() as server, Lab(server, browser) as lab:
        yield lab


def pytest_collection_modifyitems(items):
    """Try a test in the browser a second time: on a busy machine a kernel or a page may come too late."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.flaky(reruns=1))
