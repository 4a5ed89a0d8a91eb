#!/bin/sh
# Make .venv in the current folder, or mend it: afterwards it has a Python 3.11 or newer that runs, and pip.
# usage: sh tools/make_venv.sh [PYTHON]      PYTHON: the one to use; otherwise the first good one on the PATH.

# pip writes a package's RECORD last. A package without one was interrupted half way, and pip would take it for whole.
for info in .venv/lib/python*/site-packages/*.dist-info; do
    if [ -d "$info" ] && [ ! -s "$info/RECORD" ]; then rm -r "$info"; fi
done

# Found by running it: a pyenv shim or macOS's stub can be on the PATH and still not run.
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' </dev/null >/dev/null 2>&1; }
has_pip() { .venv/bin/python -c 'from importlib.metadata import version; version("pip")' >/dev/null 2>&1; }
is_ready() { is_new_enough .venv/bin/python && has_pip; }

is_ready && exit
# A .venv of `uv venv`, or one whose making was interrupted, lacks only pip.
if is_new_enough .venv/bin/python && .venv/bin/python -m ensurepip --default-pip >/dev/null 2>&1; then
    is_ready && exit
fi

python=
if [ -n "$1" ]; then
    if ! is_new_enough "$1"; then
        echo "$1 is not a Python 3.11 or newer." >&2
        exit 1
    fi
    python=$1
else
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if is_new_enough "$name"; then python=$name && break; fi
    done
fi
if [ -z "$python" ]; then
    echo "No Python 3.11 or newer found. Get one from https://www.python.org/downloads/," >&2
    echo "or say where yours is, for example: make lab PYTHON=/opt/python3.12/bin/python3" >&2
    exit 1
fi

echo "Making .venv with $("$python" --version)"
"$python" -m venv .venv >/dev/null 2>&1 && is_ready && exit
"$python" -m venv --clear .venv && is_ready && exit
echo "$python could not make the virtual environment .venv." >&2
echo "On Debian and Ubuntu it needs one more package: sudo apt install python3-venv" >&2
exit 1
