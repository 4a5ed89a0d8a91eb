"""A training that was watched, as code: the same network, the same steps, every change in its place."""


class Script:
    """Lines of Python that do again what was done.

    Attributes
    ----------
    head : list of str
        What there was before the first step. It makes `net`, `data`, `optimizer` and `steps`.
    """

    def __init__(self):
        self.head, self._changes = [], []

    def change(self, step, what, line):
        """Note a change after so many steps; of several that set the same thing there, the last counts."""
        here = step, what
        self._changes = [each for each in self._changes if each[:2] != here] + [(*here, line)]

    def lines(self, steps):
        """Return the lines that lead to the network after so many steps."""
        found, done, records = list(self.head), 0, "records ="
        for step, line in [*((step, line) for step, _, line in self._changes), (steps, None)]:
            if step > done:
                found.append(f"{records} [next(steps) for _ in range({step - done})]")
                done, records = step, "records +="
            if line:
                found.append(line)
        return found
