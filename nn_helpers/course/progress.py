"""`progress`: the record as a page."""

import html
import math
import textwrap

from nn_helpers.course import questions
from nn_helpers.course.standing import TITLES, current, standings
from nn_helpers.support import record
from nn_helpers.support.printing import printable
from nn_helpers.support.version import __version__

# JupyterLab's own colours where there are any, so that the page is dark where that is.
STYLE = """<style>
.nn-progress {color: var(--jp-ui-font-color1, #222); max-width: 900px; line-height: 1.45}
.nn-progress h3 {margin: 1.2em 0 .3em; font-size: 1.05em; font-weight: bold}
.nn-progress svg {display: block; width: 100%; height: auto; font-family: inherit}
.nn-progress text {fill: var(--jp-ui-font-color1, #222); font-size: 13px}
.nn-progress .nn-faint {fill: var(--jp-ui-font-color2, #666); color: var(--jp-ui-font-color2, #666)}
.nn-progress table {border-spacing: 0; margin: 0 !important; font-size: inherit !important}
.nn-progress :is(td, th) {text-align: left !important; vertical-align: top; padding: 3px 1em 3px 0 !important}
.nn-progress tr {background: none !important}
.nn-progress code {background: none !important; padding: 0 !important; font-size: .87em !important}
.nn-progress .nn-row {display: flex; flex-wrap: wrap; gap: 0 1em; margin: 2px 0; padding-left: 2.4em}
.nn-progress .nn-row > b {width: 1.4em; margin-left: -2.4em}
.nn-progress .nn-row span {flex: 0 0 11.3em; white-space: nowrap}
</style>"""
RIGHT, WRONG = "var(--jp-success-color1, #1a8f3c)", "var(--jp-error-color1, #d9363e)"
ACCENT, FAINT = "var(--jp-brand-color1, #1976d2)", "var(--jp-border-color1, #bdbdbd)"
BARE = {True: "✓", False: "✗", None: "○"}
SIGNS = {True: f'<b style="color: {RIGHT}">✓</b>', False: f'<b style="color: {WRONG}">✗</b>', None: "○"}
SOLVED = "clinic(0, degree=2)"  # by the lesson itself
BETWEEN, RADIUS, HEIGHTS = 150, 22, (32, 46)  # in the figure of the path


class Progress:
    """What has been done, as a page in a notebook and as text elsewhere."""

    def __init__(self, all_standings, here, days=()):
        self.standings, self.here, self.days = all_standings, here, days

    @property
    def next_step(self):
        """Where to go on, in a sentence."""
        if self.here.done:
            return "All lessons are done. Three projects to go on with: projects.md."
        return f"Lesson {self.here.lesson}, {TITLES[self.here.lesson]}. {self.here.next_step}"

    @property
    def note(self):
        """A sentence where nothing is kept, or what was kept cannot be read."""
        if (folder := record.home()) is None:
            return "There is no record here: these are not your own lessons."
        try:
            record.read_from(path := folder / record.FILE)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):  # or nothing has been done yet
                return f"What you did before is not shown: {path} cannot be read ({error.strerror or error})."
        return ""

    @property
    def guesses(self):
        """All guesses of which it is known whether they were right."""
        return [guess for standing in self.standings for guess in standing.guesses]

    @property
    def exercises(self):
        """All exercises."""
        return [exercise for standing in self.standings for exercise in standing.exercises]

    @property
    def certificate(self):
        """What there is to show when all lessons are done; before, an empty text."""
        if not all(standing.done for standing in self.standings):
            return ""
        days = f" between {self.days[0]} and {self.days[-1]}" if self.days else ""
        total = len(self.exercises)
        at_once = sum(exercise.right_after() == 1 for exercise in self.exercises)
        alone = sum(not (exercise.hints or exercise.solution) for exercise in self.exercises)
        return (
            f"Certificate: all {len(self.standings)} lessons of nn_helpers {__version__}, done{days}. "
            f"{total} of {total} exercises are right: {at_once} at the first try, {alone} without a hint or "
            f"a solution. {self.guesses_in_words()} This is what the learner's own record "
            "says; nobody looked on."
        )

    def guesses_in_words(self):
        """Return how many guesses were right at first, and how many when asked again."""
        later = [guess.later for guess in self.guesses if guess.later is not None]
        first = f"Right guesses: {sum(guess.right for guess in self.guesses)} of {len(self.guesses)}"
        again = f"; asked again later, {sum(later)} of {len(later)}" if later else ""
        return f"{first}{again}." if self.guesses else "No guess yet."

    def help_in_words(self):
        """Return how often help was taken."""
        hints, solutions = (sum(getattr(e, name) for e in self.exercises) for name in ("hints", "solution"))
        return f"{hints} hint{'s' * (hints != 1)} read, {solutions} solution{'s' * (solutions != 1)} seen."

    def clinic_in_words(self):
        """Return how many of the clinic's cases were named at the first try, or "" where none was tried."""
        here = record.since_reset(record.read(), "06")
        named = [e for e in here if (e.event, e.kind) == ("treated", "named") and e.case != SOLVED]
        first = {e.case: bool(e.right) for e in reversed(named)}  # a case's first answer has the last word
        return f"Clinic: {sum(first.values())} of {len(first)} named at the first try." * bool(first)

    def __repr__(self):
        from nn_helpers.exercises.checking.wording import wrap

        lines = [self.note, f"Where to go on: {self.next_step}", ""]
        for standing in self.standings:
            lines.append(f"{'✓' if standing.done else ' '} {standing.lesson} {TITLES[standing.lesson]}")
            signs = (f"{BARE[state_of(exercise)]} {exercise.name}" for exercise in standing.exercises)
            lines += ["      " + "  ".join(signs)] * bool(standing.exercises)
        lines += ["", self.guesses_in_words(), self.help_in_words(), self.clinic_in_words()]
        lines += ["", wrap(self.certificate), ""] if self.certificate else []
        for exercise in self.exercises:
            lines += [f"{exercise.name}: {words}" for words, _ in mistakes_of(exercise)]
        return "\n".join(lines).strip()

    def __str__(self):
        return printable(repr(self))

    def _repr_html_(self):
        return (
            f'{STYLE}<div class="nn-progress"><div>{self.note}</div>{path_figure(self.standings, self.here)}'
            f"<div><b>Where to go on:</b> {html.escape(self.next_step)}</div>"
            f"{self._exercises()}{self._guesses()}{self._mistakes()}"
            f'<p class="nn-faint">{self.help_in_words()} {self.clinic_in_words()}</p>'
            f"{self._certificate()}</div>"
        )

    def _certificate(self):
        head, _, words = self.certificate.partition(": ")
        style = f"border: 3px double {RIGHT}; padding: .8em 1.2em"
        return f'<div style="{style}"><b>{head}</b><br>{html.escape(words)}</div>' if head else ""

    def _exercises(self):
        rows = ""
        for standing in self.standings:
            marks = (f"{SIGNS[state_of(each)]}&nbsp;<code>{each.name}</code>" for each in standing.exercises)
            cells = "".join(f"<span>{mark}</span>" for mark in marks)
            rows += f'<div class="nn-row"><b>{standing.lesson}</b>{cells}</div>' if cells else ""
        return f"<h3>Exercises</h3>{rows}"

    def _guesses(self):
        rows = ""
        for guess in self.guesses:
            question, _ = questions.find(guess.question)
            text = html.escape(question.text.splitlines()[-1] if question else guess.question)
            later = SIGNS[guess.later] if guess.later is not None else ""
            rows += f"<tr><td>{SIGNS[guess.right]}</td><td>{later}</td><td>{text}</td></tr>"
        head = "<tr><th>first</th><th>later</th><th></th></tr>" if rows else ""
        return f"<h3>Guesses</h3><div>{self.guesses_in_words()}</div><table>{head}{rows}</table>"

    def _mistakes(self):
        from nn_helpers.exercises.checking.page import with_code

        rows = "".join(
            f"<tr><td>{SIGNS[exercise.right]}</td><td><code>{exercise.name}</code></td>"
            f"<td>{html.escape(words)}<br><small class='nn-faint'>{with_code(sentence)}</small></td></tr>"
            for exercise in self.exercises
            for words, sentence in mistakes_of(exercise)
        )
        return f"<h3>Mistakes, made and mended</h3><table>{rows or '<tr><td>None yet.</td></tr>'}</table>"


def progress():
    """Return what you have done so far, and where to go on, as a page.

    Returns
    -------
    Progress
    """
    found, days = standings(), sorted(event.time[:10] for event in record.read() if event.time)
    return Progress(found, current(found), days)


def state_of(exercise):
    """Return True for a right exercise, False for one that is not right yet, None for one not begun."""
    return exercise.right or (False if exercise.tries else None)


def mistakes_of(exercise):
    """Return (what it is and whether it is mended, its sentence) for each mistake made in an exercise.

    A sentence that speaks of the numbers of one case is left out.
    """
    from nn_helpers.exercises.catalogue import EXERCISES

    known, state = EXERCISES[exercise.name].mistakes, "mended" if exercise.right else "still there"
    found = {name.replace("-", " "): known[name].sentence for name in exercise.mistakes if name in known}
    return [(f"{name}, {state}", "" if "{" in said else said) for name, said in found.items()]


def path_figure(all_standings, here):
    """Return the path through the lessons as SVG: a ring for each, closed as far as it is done."""
    width, words = BETWEEN * len(all_standings), []
    lines, rings = "", ""
    for i, standing in enumerate(all_standings):
        x, y, before = BETWEEN * (i + 0.5), HEIGHTS[i % 2], HEIGHTS[(i + 1) % 2]
        middle = x - BETWEEN / 2
        path = f"M{x - BETWEEN} {before} C{middle} {before} {middle} {y} {x} {y}"
        lines += f'<path d="{path}" fill="none" stroke="{FAINT}" stroke-width="3"/>' if i else ""
        rings += _ring(standing, x, y, standing is here)
        words.append(f"lesson {standing.lesson}: {standing.share:.0%} done")
    return f'<svg viewBox="0 0 {width} 136" role="img" aria-label="{"; ".join(words)}">{lines}{rings}</svg>'


def _ring(standing, x, y, is_here):
    around = 2 * math.pi * RADIUS
    circle = f'<circle cx="{x}" cy="{y}" r="{RADIUS}"'
    parts = [
        f'{circle} fill="var(--jp-layout-color0, Canvas)" stroke="{FAINT}" stroke-width="5"/>',
        f'{circle} fill="none" stroke="{RIGHT}" stroke-width="5" transform="rotate(-90 {x} {y})" '
        f'stroke-dasharray="{standing.share * around:.1f} {around:.1f}"/>' if standing.share else "",
        f'<circle cx="{x}" cy="{y}" r="{RADIUS + 6}" fill="none" stroke="{ACCENT}" stroke-width="2"/>'
        if is_here else "",
        _text(x, y + 5, "✓" if standing.done else standing.lesson, "font-weight: bold"),
    ]  # fmt: skip
    title = textwrap.wrap(TITLES[standing.lesson], 20)
    parts += [_text(x, HEIGHTS[1] + 50 + 16 * line, words) for line, words in enumerate(title)]
    return "".join(parts)


def _text(x, y, words, style=""):
    return f'<text x="{x}" y="{y}" text-anchor="middle" style="{style}">{html.escape(words)}</text>'
