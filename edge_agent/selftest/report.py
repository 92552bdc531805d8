"""What a self-test says to people, and what it must not say to anybody."""

from pathlib import Path
from typing import Any

from edge_agent.console import table
from edge_agent.selftest.measurement import N_SHOTS
from edge_agent.selftest.processes import Result, Verdict

_LOCATES = {
    "network": "its network",
    "neighbours": "neighbours in numpy, which the golden task does not try",
}


def without_home(text: str) -> str:
    """Return a text in which the home directory is ``~``: it holds the user's name."""
    home = str(Path.home())
    return text if home == "/" else text.replace(home, "~")


def report(
    facts: dict[str, Any], results: list[Result], faults: list[str]
) -> list[str]:
    """Return the lines for a person.

    Args:
        facts: What ``--json`` prints.
        results: Of the back ends that were tried.
        faults: From `faults_of`.
    """
    passed = ["passed: this machine computes what the bundle's author did"]
    return [*_described(facts), "", *_table(facts, results), "", *(faults or passed)]


def faults_of(
    bundle: dict[str, str], results: list[Result], *, asked: str | None
) -> list[str]:
    """Return what is wrong and what to do about it, one line each.

    Args:
        bundle: What is known of it, or the ``error`` that it cannot be used for.
        results: Of the back ends that were tried.
        asked: The one that was to be tried alone: its absence is a fault.
    """
    if "error" in bundle:
        return [
            f"FAILED: {bundle['error']}",
            "Copy or install the bundle again; without --bundle the one in use is "
            "tested.",
        ]
    wrong = [r for r in results if r.is_wrong]
    if asked:
        wrong += [r for r in results if r.verdict is Verdict.ABSENT]
    if not wrong:
        return []
    lines = [
        f"FAILED: {r.backend} ({r.verdict}): {without_home(r.reason)}" for r in wrong
    ]
    good = [r.backend for r in results if r.verdict is Verdict.PASSED]
    if good:
        lines.append(
            f'Avoid it for now: backend = "{good[0]}" below [model] in the '
            "configuration (edge_agent config), and report this output."
        )
    elif asked:
        lines.append("Try the others: edge_agent selftest, without --backend.")
    else:
        lines.append(
            "No back end can be relied on with this bundle: install MetaLoc and the "
            "bundle again, and report this output if that does not help."
        )
    return lines


def _described(facts: dict[str, Any]) -> list[str]:
    computer, compiled, bundle = facts["machine"], facts["built"], facts["bundle"]
    parts = [f"{name} {v or '(none)'}" for name, v in facts["versions"].items()]
    processor = [computer["model"], computer["processor"], computer["architecture"]]
    threads = compiled["blas_threads"]
    lines = {
        "versions": ", ".join(parts),
        "machine": ", ".join(filter(None, processor)),
        "cores": f"{computer['cores']}, {computer['cores_usable']} of them usable",
        "memory": f"{computer['memory_mb']} MB",
        "system": ", ".join(
            filter(
                None,
                [
                    computer["kernel"],
                    computer["libc"],
                    f"Python of {computer['python_bits']} bits",
                ],
            )
        ),
        "built": "CSI decoder in C: {}; layers in C: {}".format(
            "yes" if compiled["csi_kernel"] else "no",
            ", ".join(compiled["layer_kernel"]) or "no",
        ),
        "algebra": f"{compiled['blas']}, threads: {threads or 'not limited'}",
        "bundle": (
            bundle["error"]
            if "error" in bundle
            else f"{bundle['name']} ({bundle['kind']}), {bundle['digest'][:16]}, "
            f"locates with {_LOCATES[bundle['estimator']]}"
        ),
    }
    width = max(map(len, lines))
    return [f"{name:<{width}}  {text}" for name, text in lines.items()]


def _table(facts: dict[str, Any], results: list[Result]) -> list[str]:
    header = ["back end", "result", "adapts", "locates", "memory", "threads", "used"]
    rows = []
    for result in results:
        measured = result.measurement
        purposes = [k for k, name in facts["used"].items() if name == result.backend]
        rows.append(
            [
                str(result.backend),
                str(result.verdict),
                _number(measured.adaptation_s, "{:.2f} s"),
                _number(measured.prediction_s, "{:.2f} ms", 1000),
                _number(measured.peak_memory_mb, "{:.0f} MB"),
                _number(measured.threads, "{:.0f}"),
                "for " + " and ".join(purposes) if purposes else "",
            ]
        )
    if not rows:
        return ["no back end was tried"]
    lines = table(header, rows, right={2, 3, 4, 5})
    steps = {r.measurement.n_steps for r in results} - {None}
    if steps:
        lines.append(
            f"(adapts: {N_SHOTS} shots, {steps.pop()} steps; locates: one image)"
        )
    return lines + [
        f"{r.backend}: {without_home(r.reason)}"
        for r in results
        if r.verdict is Verdict.ABSENT
    ]


def _number(value: float | None, form: str, factor: float = 1) -> str:
    return "-" if value is None else form.format(value * factor)
