"""docs/preflight.md lists every code that programs may meet, and no other."""

import ast
import re

from tests.conftest import ROOT

MAKERS = {"stop", "caution"}


def codes_in_the_source():
    """Code and severity of each finding, as far as a call names both."""
    found = {}
    for path in sorted((ROOT / "edge_agent" / "preflight").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            names = {n.id for n in ast.walk(node.func) if isinstance(n, ast.Name)}
            makers, first = names & MAKERS, node.args[0]
            if makers and isinstance(first, ast.Constant):
                found.setdefault(first.value, set()).update(makers)
    return found


def test_every_code_is_documented_with_its_severity():
    text = (ROOT / "docs" / "preflight.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| ([a-z, ]+?) \|", text, re.MULTILINE)

    documented = {
        code: {word for word in MAKERS if word in severity} for code, severity in rows
    }
    assert len(rows) == len(documented)
    assert documented == codes_in_the_source()
    assert len(documented) > 25
