"""Event loops for tests of panels that run by themselves, and what the playground's code does."""

import asyncio


def in_loop(coroutine):
    """Run a coroutine function to its end, which has to come."""
    return asyncio.run(asyncio.wait_for(coroutine(), 60))


async def until(happens):
    """Wait until ``happens()`` is true."""
    while not happens():
        await asyncio.sleep(0.005)


def redo(panel, **names):
    """Run a playground's code where nothing else is; return the names it defined."""
    namespace = dict(names)
    exec(panel.as_code(), namespace)
    return namespace


def assert_code_makes_the_same(panel, **names):
    """Assert that a playground's code makes its network and its run."""
    redone = redo(panel, **names)
    assert redone["net"].theta.tobytes() == panel.net.theta.tobytes()
    assert len(redone.get("records", [])) == panel.step_count
    assert repr(redone["net"]) == repr(panel.net)
    assert repr(redone["optimizer"]) == repr(panel.optimizer)


def facts(panel):
    """What a playground says in numbers."""
    return panel.facts.value
