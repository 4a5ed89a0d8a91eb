"""Write the glossary and the formula sheet from docs/terms.toml: ``python -m tools.reference``."""

import tomllib
from pathlib import Path

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
    intro = "The lessons' words, and what other books call them. The formulas: [formulas.md](formulas.md)."
    return "\n\n".join(["# Glossary", intro, *entries]) + "\n"


def formulas():
    """Return the formula sheet, in the order of the lessons."""
    intro = (
        "N examples, D inputs, M outputs. z comes out of an affine layer, a out of an activation; p are "
        "probabilities, y is the true class, L the loss, g its gradient, θ all parameters, α the learning "
        "rate, t the step. dz stands for ∂L/∂z. The words: [glossary.md](glossary.md)."
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


PAGES = {ROOT / "notebooks" / "glossary.md": glossary, ROOT / "notebooks" / "formulas.md": formulas}


if __name__ == "__main__":
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")
