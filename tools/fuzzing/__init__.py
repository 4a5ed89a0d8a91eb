"""What `tools/fuzz.py` feeds to nn_helpers, and how it looks at what comes out."""

import shutil
from dataclasses import dataclass, field


@dataclass
class Given:
    """One generated input.

    Attributes
    ----------
    files : dict of str to bytes or None
        By name, in the folder that is read; None makes a folder.
    options : dict
        What else decides what happens.
    kind : str
        What the generator did.
    expected : object
        What must come out where this is accepted, if that is known.
    """

    files: dict
    options: dict = field(default_factory=dict)
    kind: str = ""
    expected: object = None


class Target:
    """Something that reads what others wrote.

    Attributes
    ----------
    name : str
    documented : tuple of exception types
        What may come out.
    warnings : tuple of str
        Patterns of the warnings that may come.
    reads_only : bool
        Whether no code may be made and no module imported.
    """

    name = ""
    documented = (ValueError, OSError)
    warnings = ()
    reads_only = False

    def __init__(self, folder):
        """Make, in `folder`, what inputs are made of."""
        self.folder = folder

    def generate(self, rng):
        """Return an input, decided by `rng` alone."""
        raise NotImplementedError

    def prepare(self, given):
        """Write the input's files, before anything is watched."""
        rewrite(self.folder, given.files)

    def run(self, given):
        """Return what came of it, in a word, and a message; or raise what is documented, or `WrongError`."""
        raise NotImplementedError


def rewrite(folder, files):
    """Make `folder` hold these files and nothing else; None makes a folder."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for name, content in files.items():
        if content is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(content)


class WrongError(AssertionError):
    """Something was accepted, refused or changed that should not have been."""


def expect(right, what):
    """Raise `WrongError` unless all is right."""
    if not right:
        raise WrongError(what)


def expect_readable(message):
    """Raise `WrongError` for a message that would steer a terminal, or fill it."""
    expect(message.replace("\n", "").isprintable(), f"the message is not printable: {message!a:.300}")
    expect(len(message) < 3000, f"the message has {len(message):,} characters")
