"""Write what is looked up: ``python -m tools.reference``.

The glossary and the formula sheet come from docs/terms.toml, the answers for teachers from the lessons'
questions and from what the lessons' cells found out.
"""

import json
import re
import tomllib
from pathlib import Path

from nn_helpers.course.questions import number_in, questions_of

ROOT = Path(__file__).resolve().parent.parent
LESSONS = {path.name[:2]: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
TERMS = tomllib.loads((ROOT / "docs" / "terms.toml").read_text(encoding="utf-8"))["term"]


def link(lesson):
    """Return a link to a lesson."""
    return f"[{lesson}]({LESSONS[lesson].name})"


def glossary():
    """Return the glossary: every term by the alphabet, and other books' words with the term to look under."""
    lines = {}
    for term in TERMS:
        code = f" In code: `{term['code']}`." if "code" in term else ""
        also = f" Also called {', '.join(term['also'])}." if "also" in term else ""
        lines[term["term"]] = (
            f"**{term['term']}** · {term['says']}{also}{code} Lesson {link(term['lesson'])}."
        )
        for word in term.get("also", ()):
            lines.setdefault(word, f"**{word}** · see *{term['term']}*.")
    entries = [lines[name] for name in sorted(lines, key=str.lower)]
    intro = "The lessons' words, and what other books call them. The formulas: [formula sheet](formulas.md)."
    return "\n\n".join(["# Glossary", intro, *entries]) + "\n"


def formulas():
    """Return the formula sheet, in the order of the lessons."""
    intro = (
        "N examples, D inputs, M outputs. z comes out of an affine layer, a out of an activation; p are "
        "probabilities, y is the true class, L the loss, g its gradient, θ all parameters, α the learning "
        "rate, t the step. dz stands for ∂L/∂z. The words: [glossary](glossary.md)."
    )
    parts = ["# Formulas", intro]
    for lesson, path in LESSONS.items():
        found = [term for term in TERMS if term["lesson"] == lesson and "formula" in term]
        if found:
            parts.append(f"## Lesson [{lesson}]({path.name})")
        for term in found:
            code = f", `{term['code']}`" if "code" in term else ""
            parts.append(f"**{term['term']}**{code}\n\n$${term['formula']}$$")
    return "\n\n".join(parts) + "\n"


def truths(path):
    """Return what the cells of a lesson found out, as text by the question's id."""
    found = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        names = re.findall(r'\breveal\(\s*"([^"]+)"', "".join(cell["source"]))
        texts = ["".join(output.get("data", {}).get("text/plain", "")) for output in cell.get("outputs", ())]
        said = re.findall(r"(?ms)^○ (?:It is|The answer is:) (.*?)\.$", "\n".join(texts))
        found.update(zip(names, (" ".join(text.split()) for text in said), strict=True))
    return found


def answers():
    """Return the answers to all questions, and what to say to those who guessed something else."""
    intro = (
        "For teachers. What comes out where a cell computes it is from the lessons as they are saved in "
        "`notebooks/`. After *later* stands the same idea, asked again two lessons on; *quiz* is from a "
        "lesson's end. A dash begins what somebody may say, and what to reply."
    )
    parts = ["# Answers to the lessons' questions", intro]
    for lesson, path in LESSONS.items():
        parts.append(f"## Lesson [{lesson}](../notebooks/{path.name})")
        computed = truths(path)
        for question in questions_of(lesson).values():
            parts.append(f"### {question.id}")
            for asked in filter(None, (question, question.later)):
                if asked.part == "predict":
                    mark, answer = "", computed[asked.id]
                    option = asked.true_option(answer) or asked.true_option(number_in(answer))
                    if option and option.text != answer:
                        answer += f", so: {option.text}"
                else:
                    mark, answer = f"*{asked.part}* · ", asked.in_words(asked.answer)
                parts.append("  \n".join([mark + asked.text, f"**{answer}** {asked.because}".strip()]))
                parts.append("\n".join(f"- {o.text}: {o.sentence}" for o in asked.options if o.sentence))
    return "\n\n".join(filter(None, parts)) + "\n"


PAGES = {
    ROOT / "notebooks" / "glossary.md": glossary,
    ROOT / "notebooks" / "formulas.md": formulas,
    ROOT / "docs" / "answers.md": answers,
}


if __name__ == "__main__":
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")
