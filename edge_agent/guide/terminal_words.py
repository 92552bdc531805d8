"""What people type between two shots, and what it means just then.

Enter         what is most likely meant: begin, or take a weak shot again
r k s q o f   retry, keep, skip, quit, outside, finish; whole words do as well
?             where the walk stands
done          all rooms were typed: the next lap, or the end; later the end
forget hall   the newest shot there does not count
kitchen       go to that point
+ attic 3 1   a point that the plan does not have; without + where points are typed
              as one goes
"""

from collections.abc import Collection

from edge_agent.errors import UsageError
from edge_agent.guide.typed_point import FORMS, typed_point
from edge_agent.survey import OUTSIDE
from edge_agent.walking.commands import Command, Verb

_KEYS = {
    "r": Verb.RETRY,
    "k": Verb.KEEP,
    "s": Verb.SKIP,
    "q": Verb.QUIT,
    "f": Verb.FINISH,
    "o": Verb.OUTSIDE,
    "?": Verb.STATUS,
}
_WORDS = {verb.value: verb for verb in _KEYS.values()} | {
    "exit": Verb.QUIT,
    "help": Verb.STATUS,
    "h": Verb.STATUS,
    "list": Verb.STATUS,
}
_FORGET = "forget"

_OFTEN = (Verb.KEEP, Verb.SKIP, Verb.QUIT)
"""What is shown beside the most likely answer; all others come with ``?``."""

_SHOWN = {
    Verb.RETRY: "[r]etry",
    Verb.KEEP: "[k]eep",
    Verb.SKIP: "[s]kip",
    Verb.DONE: "done",
    Verb.OUTSIDE: "[o]utside",
    Verb.FINISH: "[f]inish",
    Verb.QUIT: "[q]uit",
}


def command_of(
    line: str, can: Collection[Verb], points: Collection[str], *, is_typed: bool
) -> Command:
    """Return what a line means.

    Args:
        line: As it was typed.
        can: What can be asked for now.
        points: Names and rooms that the walk knows.
        is_typed: Whether points are typed as one goes.

    Raises:
        UsageError: It means nothing now; says what would.
        ConfigError: It looks like a point, and is none.
    """
    text = line.strip()
    if not text:
        verb = _likely(can)
        if verb is None or (verb is Verb.FINISH and not points):
            end = f"; or {Verb.DONE}, when that was the last room" * bool(points)
            raise UsageError(f"type where you are:  {FORMS}{end}")
        return Command(verb)
    if text == OUTSIDE:
        return Command(Verb.OUTSIDE)
    if text in points:
        return Command(Verb.GO, name=text)
    if (verb := _KEYS.get(text.lower()) or _WORDS.get(text.lower())) is not None:
        return Command(verb)
    if text.lower() == Verb.DONE:
        return Command(Verb.DONE if Verb.DONE in can else Verb.FINISH)
    first, _, name = text.partition(" ")
    if first.lower() == _FORGET:
        return Command(Verb.FORGET, name=name.strip() or None)
    if text.startswith("+") or is_typed:
        return Command(Verb.ADD_POINT, point=typed_point(text.removeprefix("+")))
    raise UsageError(
        f"{text!r} is no point of this walk, nor an answer: {all_answers(can)}, the "
        f"name of a point, or a new one behind a plus: + {FORMS.split('  ', 1)[0]}"
    )


def answers(can: Collection[Verb]) -> str:
    """Return the keys that are wanted most, e.g. ``[Enter] retry [k]eep [q]uit``."""
    likely = _likely(can)
    enter = [] if likely is None else [f"[Enter] {likely.value}"]
    often = (Verb.DONE, *_OFTEN) if likely is None else _OFTEN
    shown = [_SHOWN[v] for v in often if v in can and v is not likely]
    return " ".join([*enter, *shown, "[?]"]) if can else ""


def all_answers(can: Collection[Verb]) -> str:
    """Return every key that does something now."""
    return ", ".join(shown for verb, shown in _SHOWN.items() if verb in can)


def _likely(can: Collection[Verb]) -> Verb | None:
    """Return what Enter means; None where that is nothing."""
    if Verb.SHOOT in can:
        return Verb.SHOOT
    if Verb.DONE in can:  # where to go next, only a person knows
        return None
    if Verb.ADD_POINT in can:  # nothing is left to be shot
        return Verb.FINISH
    return Verb.RETRY if Verb.RETRY in can else None
