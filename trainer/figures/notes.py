"""The note beside each figure and the index, written from the figure's JSON alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainer.figures.wording import comparison, fact, is_difference

_QUICK: Final = (
    "**Quick run: short training and few seeds. It shows that everything works, not "
    "what the methods can do.**"
)
_HOW_TO_READ: Final = (
    "Brackets are 95 % intervals{over}. Of twenty comparisons without a difference, "
    "about one interval excludes zero by chance."
)


def note(document: Mapping[str, Any]) -> str:
    """Return the note of one figure in Markdown.

    Args:
        document: The JSON of the figure, as `trainer.figures.run` writes it.
    """
    name = document["figure"]
    lines = [f"# {document['title']}", ""]
    if document["quick"]:
        lines += [_QUICK, ""]
    lines += [f"![{document['title']}]({name}.png)", ""]
    lines += ["## The paper", "", document["paper"], ""]
    lines += ["## Here", "", *(f"- {fact(f)}" for f in document["facts"])]
    found = document["comparisons"]
    for wanted in (True, False):
        lines += [f"- {comparison(c)}" for c in found if is_difference(c) is wanted]
    lines += ["", _HOW_TO_READ.format(over=document["intervals_over"]), ""]
    lines += ["## What is not as in the paper", ""]
    lines += [f"- {text}" for text in document["differs"]]
    seconds = document["elapsed_s"]
    lines += [
        "",
        f"{len(document['seeds'])} seeds, {seconds:.0f} s of one core; "
        f"numbers and settings: [{name}.json]({name}.json).",
        "",
    ]
    return "\n".join(lines)


def index(documents: Sequence[Mapping[str, Any]], missing: Mapping[str, str]) -> str:
    """Return the page that links all figures of a folder.

    Args:
        documents: The JSON of each figure that is there.
        missing: Why a figure is not there, by title.
    """
    lines = ["# Figures", ""]
    if any(document["quick"] for document in documents):
        lines += [_QUICK, ""]
    for document in documents:
        name, found = document["figure"], document["comparisons"]
        carried = sum(map(is_difference, found))
        lines += [
            f"## [{document['title']}]({name}.md)",
            "",
            f"[![{document['title']}]({name}.png)]({name}.md)",
            "",
            f"{carried} of {len(found)} comparisons are carried by their intervals: "
            f"[note]({name}.md), [numbers]({name}.json).",
            "",
        ]
    for title, reason in missing.items():
        lines += [f"## {title}", "", f"Not made: {reason}", ""]
    return "\n".join(lines)
