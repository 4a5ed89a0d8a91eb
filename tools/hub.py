"""Measure a JupyterHub with a class in it: ``python tools/hub.py 1 10 30``.

Runs in an environment with requirements.txt, jupyterhub, jupyterhub-idle-culler and configurable-http-proxy.
It starts the hub of docs/jupyterhub_config.py, with users of its own in a temporary folder. All log in at
once, open lesson 02 in their copy, run it whole, and then each moves a slider twenty times.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psutil
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

CONFIG = Path(__file__).resolve().parents[1] / "docs" / "jupyterhub_config.py"
LESSON = "02_affine_backprop.ipynb"
PORT, TOKEN = 8730, uuid.uuid4().hex
TRIAL = f"""
load_subconfig({str(CONFIG)!r})
c.JupyterHub.spawner_class, c.JupyterHub.authenticator_class = "simple", "dummy"
c.DummyAuthenticator.password = "{TOKEN}"
c.Spawner.args.append("--allow-root")
c.SimpleLocalProcessSpawner.home_dir_template = "{{folder}}/{{{{username}}}}"
c.JupyterHub.bind_url = "http://127.0.0.1:{PORT}"
c.JupyterHub.hub_port, c.ConfigurableHTTPProxy.api_url = {PORT + 1}, "http://127.0.0.1:{PORT + 2}"
c.JupyterHub.services.append(dict(name="measure", api_token="{TOKEN}"))
scopes = ["admin:users", "admin:servers", "access:servers"]
c.JupyterHub.load_roles.append(dict(name="measure", scopes=scopes, services=["measure"]))
"""
SLIDER = """import ipywidgets; slider, label = ipywidgets.FloatSlider(), ipywidgets.Label()
slider.observe(lambda c: setattr(label, "value", str(c["new"])), "value"); print(slider.comm.comm_id)"""
COLUMNS = (
    "users", "first start (s)", "median start (s)", "last start (s)", "lesson 02 (s)", "server alone (MB)",
    "idle after lesson 02 (MB)", "slider (ms)", "slowest 5 % (ms)", "errors",
)  # fmt: skip


def request(address, method="GET", scheme="http", /, **content):
    """Return a request to the hub or to a user's server."""
    body = json.dumps(content) if method == "POST" else None
    url, headers = f"{scheme}://127.0.0.1:{PORT}/{address}", {"Authorization": f"token {TOKEN}"}
    return HTTPRequest(url, method, headers, body, request_timeout=300)


async def ask(*what, **content):
    """Return what is answered, or None while there is no answer."""
    try:
        answer = await AsyncHTTPClient(max_clients=100).fetch(request(*what, **content))
        return json.loads(answer.body or "null")
    except (HTTPClientError, OSError):
        return None


async def wait(path, holds=bool):
    """Ask until the answer is as it should be, and return it."""
    while not holds(answer := await ask(path)):
        await asyncio.sleep(0.2)
    return answer


async def learn(name, results, ready):
    """Do what a learner does, and note how long it took."""
    began = time.perf_counter()
    await ask(f"hub/api/users/{name}", "POST")
    await ask(f"hub/api/users/{name}/server", "POST")
    user = await wait(f"hub/api/users/{name}", lambda user: user and user["server"])
    await wait(f"user/{name}/api/status")
    results["start"].append(time.perf_counter() - began)
    await ready.wait()
    server = psutil.Process(user["servers"][""]["state"]["pid"])
    results["server"].append(memory(server))
    began, api = time.perf_counter(), f"user/{name}/api"
    session = {"path": LESSON, "name": LESSON, "type": "notebook", "kernel": {"name": "python3"}}
    kernel = (await ask(f"{api}/sessions", "POST", **session))["kernel"]["id"]
    socket = await websocket_connect(request(f"{api}/kernels/{kernel}/channels", "GET", "ws"))
    lesson = await ask(f"{api}/contents/{LESSON}")
    for cell in lesson["content"]["cells"]:
        if cell["cell_type"] == "code":
            results["errors"] += (await send(socket, "execute_request", code=cell["source"])).count("error")
    results["lesson"].append(time.perf_counter() - began)
    slider = (await send(socket, "execute_request", code=SLIDER))[-1].strip()
    await ready.wait()  # all move their sliders at the same time
    for value in range(1, 21):
        began, data = time.perf_counter(), {"method": "update", "state": {"value": value}, "buffer_paths": []}
        await send(socket, "comm_msg", comm_id=slider, data=data)
        results["slider"].append(time.perf_counter() - began)
        await asyncio.sleep(0.2)
    await ready.wait()
    results["idle"].append(memory(server))


async def send(socket, kind, **content):
    """Send a message to a kernel; return what it printed, with "error" for errors, when it is idle again."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "username": "", "session": "", "version": "5.3"}
    parts = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await socket.write_message(json.dumps(parts))
    printed = []
    while (answer := await socket.read_message()) is not None:
        answer = json.loads(answer) if isinstance(answer, str) else {}  # what has arrays in it comes as bytes
        if answer.get("parent_header", {}).get("msg_id") == header["msg_id"]:
            printed += ["error"] * (answer["msg_type"] == "error")
            printed += [answer["content"].get("text", "")] * (answer["msg_type"] == "stream")
            if answer["content"].get("execution_state") == "idle":
                return printed
    raise RuntimeError("a kernel has ended")


def memory(process):
    """Return the megabytes of a process and its children; of what is shared, each has its part."""
    return sum(each.memory_full_info().pss for each in (process, *process.children(recursive=True))) / 1e6


async def measure(users, folder):
    """Return a row of the table: what so many users took."""
    (folder / "config.py").write_text(TRIAL.format(folder=folder))
    results = {"start": [], "server": [], "lesson": [], "slider": [], "idle": [], "errors": 0}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (folder / "log").open("w") as log:
        command, environment = (
            [sys.executable, "-m", "jupyterhub", "-f", "config.py"],
            {**os.environ, "PATH": path},
        )
        hub = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        async with asyncio.timeout(1800):
            await wait("hub/api/")
            ready = asyncio.Barrier(users)
            await asyncio.gather(*(learn(f"learner{number}", results, ready) for number in range(users)))
    except BaseException:
        print((folder / "log").read_text()[-3000:], file=sys.stderr)
        raise
    finally:
        started = psutil.Process(hub.pid).children(recursive=True)
        hub.terminate()
        for process in psutil.wait_procs(started, timeout=20)[1]:
            process.kill()
        hub.wait(60)
    starts, slider = sorted(results["start"]), sorted(results["slider"])
    middle = [statistics.median(results[name]) for name in ("lesson", "server", "idle")]
    moves = [1000 * statistics.median(slider), 1000 * slider[int(0.95 * len(slider))]]
    return [users, starts[0], statistics.median(starts), starts[-1], *middle, *moves, results["errors"]]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("users", nargs="+", type=int, help="how many at once, one run after the other")
    numbers = parser.parse_args().users
    print(f"| {' | '.join(COLUMNS)} |\n|{'---:|' * len(COLUMNS)}")
    for users in numbers:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            row = asyncio.run(measure(users, Path(folder)))
        print(f"| {' | '.join(f'{number:.3g}' for number in row)} |", flush=True)
