"""The note beside each figure and the index, written from the figure's JSON alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from trainer.figures.wording import Record, summary, value, verdict

_QUICK: Final = (
    "**Quick run: short training and few seeds. It shows that everything works, not "
    "what the methods can do.**"
)
_HOW_TO_READ: Final = (
    "A seed is one repetition for which chance draws everything anew; here are {n}. "
    "Brackets, and bands in the plot, are 95 % intervals{over}."
)
_CUT: Final = (
    "None goes below 0, as no error, distance or share does: one that few seeds make "
    "wide may be cut there."
)
_HOW_TO_COMPARE: Final = (
    "Differences are the first less the second, taken within each seed. The first is "
    "called lower or higher where the interval of the difference leaves out zero, and "
    "open is what it does not decide. Of twenty comparisons without a difference, "
    "about one interval leaves out zero by chance. Numbers have two digits behind the "
    "point, from 100 on none, and more where it takes more to see that an interval "
    "leaves out zero."
)


def note(document: Mapping[str, Any]) -> str:
    """Return the note of one figure in Markdown.

    Args:
        document: The JSON of the figure, as `trainer.figures.run` writes it.
    """
    name, n = document["figure"], len(document["seeds"])
    lines = [f"# {document['title']}", ""]
    if document["quick"]:
        lines += [_QUICK, ""]
    lines += [document["about"], ""]
    lines += [*_summary(document), ""]
    lines += [f"![{document['title']}]({name}.png)", ""]
    lines += ["## The paper", "", document["paper"], ""]
    lines += ["## What was measured", ""]
    lines += [_HOW_TO_READ.format(n=n, over=document["intervals_over"])]
    if _is_cut(document["panels"]):
        lines += [_CUT]
    lines += ["", *_facts(document["facts"]), ""]
    lines += ["## What was compared", "", _HOW_TO_COMPARE, ""]
    lines += [*_comparisons(document["comparisons"]), ""]
    lines += ["## What is not as in the paper", ""]
    lines += [f"- {text}" for text in document["differs"]]
    lines += [
        "",
        f"{document['elapsed_s']:.0f} s of one core; numbers and settings: "
        f"[{name}.json]({name}.json).",
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
        name = document["figure"]
        lines += [
            f"## [{document['title']}]({name}.md)",
            "",
            f"[![{document['title']}]({name}.png)]({name}.md)",
            "",
            *_summary(document),
            "",
            f"[Note]({name}.md), [numbers]({name}.json).",
            "",
        ]
    for title, reason in missing.items():
        lines += [f"## {title}", "", f"Not made: {reason}", ""]
    return "\n".join(lines)


def _summary(document: Mapping[str, Any]) -> list[str]:
    return [f"- {sentence}" for sentence in summary(document["comparisons"])]


def _facts(facts: Sequence[Record]) -> list[str]:
    """Return a table: a row for each quantity, a column for what it is of."""
    columns = list(dict.fromkeys(fact["of"] for fact in facts))
    rows: dict[str, dict[str, str]] = {}
    for fact in facts:
        rows.setdefault(fact["what"], {})[fact["of"]] = value(fact)
    return _table(
        ["", *columns],
        ([what, *(row.get(of, "") for of in columns)] for what, row in rows.items()),
    )


def _comparisons(comparisons: Sequence[Record]) -> list[str]:
    return _table(
        ["", "first", "second", "first less second", "first is"],
        (
            [
                record["what"],
                record["a"],
                record["b"],
                value(record),
                verdict(record),
            ]
            for record in comparisons
        ),
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _is_cut(panels: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether an end of an interval that is drawn was cut at zero."""
    lines = [line for panel in panels for line in panel["lines"]]
    levels = [of for panel in panels for of in (*panel["floors"], *panel["points"])]
    return any(
        low == 0 < mean
        for line in lines
        for low, mean in zip(line["low"], line["mean"], strict=True)
    ) or any(level["low"] == 0 < level["mean"] for level in levels)
