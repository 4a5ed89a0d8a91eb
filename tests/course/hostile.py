"""Notebooks that are made to do harm to whoever grades them."""

from textwrap import indent

# Bodies of relu_forward; VICTIM is a file of the grader's.
BODIES = {
    "a loop without end": "while True: pass",
    "a loop in C": "sum(range(10**12))",
    "sleep": "import time; time.sleep(10**6)",
    "a loop that nothing stops": "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
    "forks": "import os\nwhile True: os.fork()",
    "threads": "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(999,)).start()",
    "a shell": "import subprocess; subprocess.run('rm VICTIM', shell=True); return np.maximum(0, z), z",
    "os.system": "import os; os.system('rm VICTIM'); return np.maximum(0, z), z",
    "deleting files": "import os; os.remove('VICTIM')",
    "deleting files, silently": "import os\ntry: os.remove('VICTIM')\nfinally: return np.maximum(0, z), z",
    "writing files": "open('VICTIM', 'w').write('mine')",
    "emptying files": "import os; os.truncate('VICTIM', 0)",
    "moving files": "import os; os.rename('VICTIM', 'VICTIM.old')",
    "a link": "import os; os.symlink('/etc/passwd', 'VICTIM.link')",
    "a folder": "import os; os.mkdir('VICTIM.folder')",
    "rights": "import os; os.chmod('VICTIM', 0)",
    "reading others": "raise ValueError(open('VICTIM').read())",
    "reading folders": "import os; raise ValueError(str(os.listdir('/')))",
    "the environment's files": "raise ValueError(open('/proc/self/environ').read())",
    "os._exit": "import os; os._exit(0)",
    "an exit": "raise SystemExit",
    "an exit that does nothing": "import os; os._exit = lambda code: None\nreturn abs(z), z",
    "a signal to itself": "import os; os.kill(os.getpid(), 9)",
    "a signal to the grader": "import os; os.kill(os.getppid(), 9)",
    "a signal to all": "import os; os.kill(0, 9)",
    "a crash": "import ctypes; ctypes.string_at(0)",
    "sockets": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "a server": "import socket; socket.socket().bind(('', 0))",
    "30 GB": "return np.ones(30 * 10**9 // 8), z",
    "more and more": "kept = []\nwhile True: kept.append(np.ones(10**6))",
    "a text without end": "raise ValueError('x' * 10**9)",
    "printing without end": "while True: print('x' * 10**6)",
    "signs of life": (
        "import os, threading, time\n"
        "def beat():\n"
        "    while True:\n"
        "        for fd in range(3, 99):\n"
        "            try: os.write(fd, b'.')\n"
        "            except OSError: pass\n"
        "threading.Thread(target=beat).start()\n"
        "while True: pass"
    ),
    "an answer without end": (
        "import os\n"
        "while True:\n"
        "    for fd in range(3, 99):\n"
        "        try: os.write(fd, b'[' * 65536)\n"
        "        except OSError: pass"
    ),
    "no JSON": (
        "import os\nfor fd in range(3, 99):\n    try: os.write(fd, b'[[[\\n')\n    except OSError: pass"
    ),
    "a verdict of another kind": (
        "import os\n"
        "for fd in range(3, 99):\n"
        '    try: os.write(fd, b\'["best", ["<b>"], 1, 2, 3, 4]\\n\')\n'
        "    except OSError: pass"
    ),
    "the recursion": "return relu_forward(z)",
    "the judge's own functions": (
        "import sys\n"
        "for module in list(sys.modules.values()):\n"
        "    for name in list(vars(module)):\n"
        "        try: setattr(module, name, None)\n"
        "        except Exception: pass"
    ),
    "higher limits": "import resource; resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))",
    "another user": "import os; os.setuid(0); os.nice(-5)",
}
# What runs without being called, if anybody runs it: none of this may happen
AT_ONCE = {
    "in a cell": "open('VICTIM', 'w')",
    "in a default": "def relu_forward(z, f=open('VICTIM', 'w')):\n    return abs(z), z",
    "in a decorator": "@(lambda f: open('VICTIM', 'w'))\ndef relu_forward(z):\n    return abs(z), z",
    "in an annotation": "def relu_forward(z: open('VICTIM', 'w')):\n    return abs(z), z",
    "in a class": "class relu_forward:\n    open('VICTIM', 'w')",
    "in a lambda's default": "relu_forward = lambda z, f=open('VICTIM', 'w'): (z, z)",
    "in a constant": "F = open('VICTIM', 'w')\ndef relu_forward(z):\n    return F and abs(z), z",
    "in a magic": "%%bash\nrm VICTIM\ndef relu_forward(z):\n    return abs(z), z",
    "in a shell": "!rm VICTIM\ndef relu_forward(z):\n    return abs(z), z",
}
# What keeps a reader busy, or is nothing that can be read
SOURCES = {
    "deep": "def relu_forward(z):\n    return " + "(" * 5000 + "z" + ")" * 5000,
    "a long sum": "def relu_forward(z):\n    return " + "+".join(["z"] * 200_000),
    "a large power": "N = 10**10**10\ndef relu_forward(z):\n    return N, z",
    "quotes": "def relu_forward(z):\n" + '    """\n' * 20_001,
    "many versions": "def relu_forward(z):\n    while True: pass\n" * 500,
    "many statements": "x = 1\n" * 100_000,
    "a null": "def relu_forward(z):\n    return '\0', z",
    "half a letter": "def relu_forward(z):\n    return '\ud800', z",
    "helpers in a circle": "def f(z): return g(z)\ndef g(z): return f(z)\ndef relu_forward(z): return f(z)",
    "a name for itself": "relu_forward = relu_forward",
    "names in a circle": "a = b\nb = a\nrelu_forward = a",
}


# Those of which another tries nearly the same
TWINS = {
    "sleep", "a loop that nothing stops", "printing without end", "a text without end", "more and more",
    "many statements", "an answer without end", "deleting files, silently", "os.system", "moving files",
    "reading others", "a server", "a signal to all", "a folder",
}  # fmt: skip


def notebooks(victim):
    """Return {kind: source of a cell}; the victim is a file."""
    kinds = {kind: "def relu_forward(z):\n" + indent(body, "    ") for kind, body in BODIES.items()}
    kinds |= AT_ONCE | SOURCES
    return {kind: source.replace("VICTIM", str(victim)) for kind, source in kinds.items()}
