"""House check: money is never float and never divided outside domain/money.py, and pure rules never ask what time it is.

ruff cannot see these; the reasons are in docs (architecture.md, 7). Run from the root: `python tools/check_money.py`.
Prints `file:line: rule` for each breach and exits 1 if there is one.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PURE = ("domain",)
NO_CLOCK = ("domain", "workflows")
NO_FLOAT_CALL = ("domain", "workflows", "activities", "models", "api")
ROUNDS = Path("domain/money.py")  # the one place where an amount is rounded or divided
MONEY_NAMES = ("minor", "amount", "money", "net", "tax", "gross", "total", "price")
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}

Breach = tuple[int, str]


def breaches(file: Path, tree: ast.AST) -> Iterator[Breach]:
    """Each breach in one parsed file: its line and the rule it breaks."""
    room = file.parts[0]
    for node in ast.walk(tree):
        if room in PURE:
            yield from _floats(node)
            if file != ROUNDS:
                yield from _divisions(node)
        if room in NO_FLOAT_CALL and isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "float":
                yield node.lineno, "no float(): money is Money, a share is Rate or Decimal"
            elif node.func.id == "round" and file != ROUNDS:
                yield node.lineno, "no round(): it rounds half to even; domain/money.py rounds once, half up, by name"
        if room in NO_CLOCK and isinstance(node, ast.Call):
            yield from _clock(node)


def _floats(node: ast.AST) -> Iterator[Breach]:
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield node.lineno, f"no float literal ({node.value!r}): write Decimal or minor units"
    elif isinstance(node, ast.arg | ast.AnnAssign) and isinstance(node.annotation, ast.Name):
        if node.annotation.id == "float":
            yield node.lineno, "no float in an annotation: money is Money, a share is Rate or Decimal"
    elif isinstance(node, ast.FunctionDef) and isinstance(node.returns, ast.Name) and node.returns.id == "float":
        yield node.lineno, f"{node.name} returns a float: money is Money, a share is Rate or Decimal"


def _divisions(node: ast.AST) -> Iterator[Breach]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv) and _is_money(node.left):
        yield node.lineno, "no division of an amount: Money.allocate loses no cent, Rate.of rounds by name"


def _is_money(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.rpartition("_")[2] in MONEY_NAMES


def _clock(node: ast.Call) -> Iterator[Breach]:
    function = node.func
    if not isinstance(function, ast.Attribute):
        return
    owner = function.value
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    if (name, function.attr) in CLOCKS:
        yield node.lineno, f"no {name}.{function.attr}(): the date comes from the step, as an argument"


def main() -> int:
    """Check every file of the rooms above; 1 if any rule is broken."""
    found = 0
    for room in sorted({*PURE, *NO_CLOCK, *NO_FLOAT_CALL}):
        for file in sorted(Path(room).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
            for line, rule in sorted(breaches(file, tree)):
                print(f"{file}:{line}: {rule}")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
