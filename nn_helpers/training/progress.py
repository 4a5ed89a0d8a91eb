"""What a training shows while it runs, and how Ctrl-C ends it between two steps."""

import signal
import threading
import time
from contextlib import contextmanager


@contextmanager
def interrupt_between_steps():
    """Hold back Ctrl-C until the current step is done; a second one comes through at once.

    An interrupt in the middle of an update would leave the parameters half changed.
    """
    interrupted = threading.Event()
    standard = signal.getsignal(signal.SIGINT)
    if (
        threading.current_thread() is not threading.main_thread()
        or standard is not signal.default_int_handler
    ):
        yield interrupted  # interrupts do not come here, or somebody else handles them
        return

    def handler(signum, frame):
        if interrupted.is_set():
            standard(signum, frame)
        interrupted.set()

    signal.signal(signal.SIGINT, handler)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, standard)


@contextmanager
def progress_bar(total, progress, done):
    """Show how far training is, with a text before it if `progress` is one; or nothing."""
    if not progress:
        yield Quiet()
        return
    description = progress if isinstance(progress, str) else None
    from tqdm.auto import tqdm  # a widget in a notebook, text elsewhere

    with tqdm(total=total, initial=done, unit="step", desc=description) as bar:
        shown = _Bar(bar)
        try:
            yield shown
        finally:
            shown.finish()


class Quiet:
    """No bar."""

    def show(self, record):
        """Show nothing."""


class _Bar:
    """A tqdm bar with the epoch's mean loss and accuracy so far; it is drawn ten times a second at most."""

    def __init__(self, bar):
        self._bar, self._at, self._record = bar, 0.0, None

    def show(self, record):
        if self._record is None or self._record.epoch != record.epoch:
            self._steps = self._loss = self._accuracy = 0
        self._record = record
        self._steps, self._loss, self._accuracy = (
            self._steps + 1,
            self._loss + record.loss,
            self._accuracy + record.accuracy,
        )
        if time.perf_counter() - self._at > 0.1:
            self.finish()

    def finish(self):
        if self._record is not None:
            self._at = time.perf_counter()
            loss, accuracy = self._loss / self._steps, self._accuracy / self._steps
            text = f"epoch {self._record.epoch}, loss {loss:.3f}, accuracy {accuracy:.0%}"
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(self._record.step - self._bar.n)
