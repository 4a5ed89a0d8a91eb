"""JupyterHub for a class, as TEACHING.md describes it: ``jupyterhub -f docs/jupyterhub_config.py``.

Everybody logs in with their account on this computer, and has their copy of the lessons in ``my_lessons`` in
their home folder. One Python environment, the one that runs this, is everybody's.
"""

import os
import sys

c = get_config()  # noqa: F821  (JupyterHub's)

c.Authenticator.allow_all = True  # who has an account on this computer

# Before a server starts, its user's copy of the lessons is made, or brought up to date.
COPY = "from nn_helpers.course.work_copy import make; print(*make('my_lessons'), sep='\\n')"
SERVE = '"$0" -c "$1" && shift && exec "$0" -m jupyterhub.singleuser "$@"'
c.Spawner.cmd = ["sh", "-c", SERVE, sys.executable, COPY]
c.Spawner.notebook_dir = "my_lessons"
c.Spawner.default_url = "/lab/tree/00_start_here.ipynb"
c.Spawner.start_timeout = c.Spawner.http_timeout = 180  # seconds; a class that logs in at once needs them

# Read by everybody, written by nobody: make it so with chmod -R a=rX.
c.Spawner.environment = {"CIFAR10_DIR": os.environ.get("CIFAR10_DIR", "/srv/cifar10")}
c.Spawner.env_keep.extend(["NN_HELPERS_SOLUTIONS"])  # with off, solution() shows none

# A kernel that has done nothing for half an hour is stopped, and after an hour the whole server.
CULL = "--MappingKernelManager.cull_"
c.Spawner.args = [f"{CULL}idle_timeout=1800", f"{CULL}interval=300", f"{CULL}connected=True"]
# A server talks to its kernels through files: of thirty that look for free ports at once, two find the same.
c.Spawner.args.append("--KernelManager.transport=ipc")
culler = [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600"]
c.JupyterHub.services = [{"name": "culler", "command": culler}]
SCOPES = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
c.JupyterHub.load_roles = [{"name": "culler", "scopes": SCOPES, "services": ["culler"]}]
