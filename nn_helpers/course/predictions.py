"""`predict` asks before a cell finds out and `reveal` says how it came out; `recall` and `quiz` ask again."""

import sys
import weakref
from typing import NamedTuple

from nn_helpers.course import questions
from nn_helpers.support import record
from nn_helpers.support.printing import printable

RECALLED = 3  # questions at a lesson's beginning
STOPPED = (
    "A training was stopped before its end, so there is no answer yet, and nothing is recorded. "
    "Run the training again, to its end."
)
_panels = weakref.WeakValueDictionary()  # by the question's id: what `predict` shows
_asked = []  # whether a guess was asked for, once


class Reply(NamedTuple):
    """What there is to say of a question: the guess, whether it can be changed, whether it is right."""

    guess: str = ""
    final: bool = False
    right: bool | None = None
    head: str = ""
    said: str = ""


class Card:
    """A reply as a text, and as HTML in a notebook."""

    def __init__(self, reply):
        self.reply = reply

    def __repr__(self):
        from nn_helpers.exercises.checking.page import SIGNS
        from nn_helpers.exercises.checking.wording import wrap

        return wrap(
            f"{SIGNS[questions.KINDS[self.reply.right]][0]} {self.reply.head}\n{self.reply.said}".strip()
        )

    def _repr_html_(self):
        from nn_helpers.exercises.checking.page import headline, paragraphs

        return headline(questions.KINDS[self.reply.right], self.reply.head) + paragraphs(self.reply.said)


def predict(name, guess=None):
    """Ask a question of the lesson before a cell finds out.

    Parameters
    ----------
    name : str
        The question's id.
    guess : str or number, optional
        The guess, where nothing can be clicked.
    """
    question, fault = questions.find(name)
    if question is None:
        return _say(fault)
    if guess is not None:
        taken = question.taken(guess)
        if not taken:
            return _say(f"{guess!r} cannot be an answer to this:\n{questions.in_plain_text(question)}")
        _guess(question, taken)
    panel = _ask("", [question], _guessed, _guess, f'Answer with predict("{name}", "…").')
    if panel is not None:
        _panels[name] = panel
    return None


def reveal(name, truth, after=()):
    """Say how it came out, beside the guess.

    Parameters
    ----------
    name : str
        The question's id.
    truth : bool, number, str or list of str
        What the cell found out. A number means the option nearest to it; with per cent, 0.43 is 43 %.
    after : iterable of History, or one, optional
        The trainings that it was found out with. If one of them was interrupted, nothing is recorded.
    """
    question, fault = questions.find(name)
    if question is None:
        return _say(fault)
    if _interrupted(after):
        return _say(STOPPED)
    truth = questions.truth_of(truth)
    words, past = question.in_words(truth), _past(question)
    reply = _reply(question, past.guess, truth)
    if past.truth and _is_another(question, past.truth, truth, words):  # a cell that was changed
        return _say(Card(Reply(head=f"Now it is {words}. Before, it was {past.truth}.")))
    if not past.truth:
        record.note(
            "revealed",
            lesson=question.lesson,
            question=name,
            answer=past.guess,
            truth=words,
            right=reply.right,
        )
    if not past.guess and not _asked and record.home():
        _asked.append(True)
        ask = "Next time, guess before you run the cell: a surprise is easier to remember."
        reply = reply._replace(said=f"{reply.said}\n{ask}".strip())
    if panel := _panels.get(name):
        panel.refresh()
    return _say(Card(reply))


def quiz(lesson):
    """Ask a lesson's last questions.

    Parameters
    ----------
    lesson : str
        Its number, as "02".
    """

    def done(lesson):
        events = [e for e in record.since_reset(record.read(), lesson) if e.lesson == lesson]
        answered = {e.question for e in events if e.event == "quizzed"}
        if answered >= set(quizzed_in(lesson)) and not any(e.event == "finished" for e in events):
            record.note("finished", lesson=lesson)

    _ask_on_record("quizzed", lesson, "for the end of", lambda lesson: quizzed_in(lesson).values(), then=done)


def quizzed_in(lesson):
    """Return the questions that `quiz` asks, by id."""
    found = questions.questions_of(lesson)
    return {name: question for name, question in found.items() if question.part == "quiz"}


def recall(lesson):
    """Ask three questions about the lessons before: first those that were guessed wrong.

    Parameters
    ----------
    lesson : str
        The lesson that begins, as "03".
    """
    _ask_on_record("recalled", lesson, "from before", recalled_in, "From the lessons before:")


def recalled_in(lesson):
    """Return the questions that `recall` asks.

    First those it has asked already, then those guessed wrong at least two lessons before, then others of all
    lessons before, one of each in turn: those that the learner has met, and then, from parts that were left
    out, the rest.
    """
    events = record.read() if record.home() else []
    before = {other: _later(other) for other in questions.lessons() if other < lesson}
    known = {question.id: question for found in before.values() for question in found}
    here = record.since_reset(events, lesson)
    chosen = [event.question for event in here if event.event == "recalled" and event.lesson == lesson]
    right = {event.question for event in events if event.event == "recalled" and event.right}
    wrong = [
        event.question
        for event in events
        if event.right is False and event.question in known and event.question not in right
        and int(known[event.question].lesson) <= int(lesson) - 2
    ]  # fmt: skip
    most = max(map(len, before.values()), default=0)
    others = [q[i].id for i in range(most) for q in reversed(before.values()) if i < len(q)]
    met = {event.question for event in events}
    others.sort(key=lambda name: name not in met)
    fresh = [name for name in others if name not in right]
    names = dict.fromkeys(name for name in [*chosen, *wrong, *fresh, *others] if name in known)
    return [known[name] for name in list(names)[:RECALLED]]


def _interrupted(after):
    """Say whether one of the trainings was interrupted; what is no history was not."""
    try:
        histories = [after] if hasattr(after, "interrupted") else list(after)
    except TypeError:
        return False
    return any(getattr(history, "interrupted", False) for history in histories)


def _later(lesson):
    return [question.later or question for question in questions.questions_of(lesson).values()]


# What is known of a question


class Past(NamedTuple):
    """The guess at a question, and what came out first, as texts; empty ones where there is none."""

    guess: str
    truth: str


def _past(question):
    guess = truth = ""
    for event in record.since_reset(record.read(), question.lesson):
        if event.question == question.id and event.event == "predicted" and not (guess and truth):
            guess = event.answer
        elif event.question == question.id and event.event == "revealed":
            truth = truth or event.truth
    return Past(guess, truth)


def _is_another(question, before, truth, words):
    """Say whether a truth is another than it was before, a text; of options, whether it means another."""
    if question.kind != "choice":
        return before != words
    before = questions.number_in(before) if isinstance(truth, float) else before
    return question.true_option(before) != question.true_option(truth)


def _guessed(question):
    """Return what `predict` shows of a guess."""
    guess, truth = _past(question)
    if guess and truth:
        return Reply(guess, True, None, f"You said: {guess}. It came out as: {truth}.")
    if guess:
        return Reply(
            guess, head="Your guess is kept. You can change it until you run the cell that finds out."
        )
    return Reply()


def _guess(question, guess):
    past = _past(question)
    if guess != past.guess and not (past.guess and past.truth):
        record.note("predicted", lesson=question.lesson, question=question.id, answer=guess)


def _reply_on_record(kind, lesson, question):
    """Return what `quiz` or `recall` shows of a question: the first answer counts."""
    events = record.since_reset(record.read(), lesson)
    this = kind, lesson, question.id
    guess = next((e.answer for e in events if (e.event, e.lesson, e.question) == this), "")
    return _reply(question, guess, question.answer) if guess else Reply()


def _reply(question, guess, truth):
    """Return what to say when both are known, or without a guess."""
    words, option = question.in_words(truth), question.true_option(truth)
    right = question.is_right(guess, truth) if guess else None
    number = isinstance(truth, float)
    it_is = f"It is {words}" if number else f"The answer is: {words}"
    if question.kind == "choice" and option is None:
        it_is += ", none of the options"
    if right and guess == words:
        it_is = "So it is"
    you = "" if not guess else f"You said {guess}. " if number else f"You said: {guess}. "
    wrong = question.sentence(guess) if right is False else ""
    return Reply(guess, True, right, f"{you}{it_is}.", "\n".join(filter(None, [wrong, question.because])))


def forget():
    """Be as in a kernel that has just begun."""
    _asked.clear()
    _panels.clear()


# Showing


def _ask_on_record(kind, lesson, where, choose, heading="", then=lambda lesson: None):
    """Ask the questions that `choose` returns, whose first answers count, and call `then` after each."""
    try:
        lesson = questions.number_of(lesson)
        asked = list(choose(lesson))
    except ValueError as error:
        return _say(str(error))
    if not asked:
        return _say(f"There are no questions {where} lesson {lesson} yet.")

    def answer(question, guess):
        right = question.is_right(guess, question.answer)
        record.note(kind, lesson=lesson, question=question.id, answer=guess, right=right)
        then(lesson)

    _ask(heading, asked, lambda question: _reply_on_record(kind, lesson, question), answer)
    return None


def _ask(heading, asked, reply_of, answer, how="Answer it in a notebook."):
    """Show questions to click in a notebook, and return them; elsewhere print them."""
    ipython = sys.modules.get("IPython")
    if ipython and hasattr(ipython.get_ipython(), "kernel"):
        from nn_helpers.course.panel import QuestionPanel

        panel = QuestionPanel(heading, asked, reply_of, answer)
        ipython.display.display(panel)
        return panel
    for question in asked:
        reply = reply_of(question)
        said = repr(Card(reply)) if reply.head else how
        print(printable(f"{questions.in_plain_text(question)}\n{said}"))
    return None


def _say(thing):
    ipython = sys.modules.get("IPython")
    if ipython and ipython.get_ipython() and not isinstance(thing, str):
        ipython.display.display(thing)
    else:
        print(printable(thing))
