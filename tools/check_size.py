"""House check: budgets of size. A file that grows past them holds a second noun, a function a second verb.

Files: a warning past 300 lines (250 in workflows/), a failure past 500. Functions, docstring not counted: a failure
past 60 lines; tests are exempt (a whole life is long). Folders: a failure past 45 files. (architecture.md, 9.)
Run from the root: `python tools/check_size.py`. Prints `file:line: rule` and exits 1 on a failure.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_WARN = 300
WORKFLOW_WARN = 250
FILE_FAIL = 500
FUNCTION_FAIL = 60
FOLDER_FAIL = 45
ROOMS = (
    "domain",
    "workflows",
    "activities",
    "models",
    "gateways",
    "api",
    "embedded",
    "sandbox",
    "demo",
    "benchmarks",
    "tools",
    "tests",
)

Finding = tuple[str, bool]  # what to print, whether it is a failure


def of_file(file: Path) -> Iterator[Finding]:
    """What one file breaks."""
    text = file.read_text(encoding="utf-8")
    lines = text.count("\n")
    warn = WORKFLOW_WARN if file.parts[0] == "workflows" else FILE_WARN
    if lines > FILE_FAIL:
        yield f"{file}:{lines}: {lines} lines, more than {FILE_FAIL}: split it by noun", True
    elif lines > warn:
        yield f"{file}:{lines}: {lines} lines, more than {warn} (a warning)", False
    if file.parts[0] == "tests":
        return
    for node in ast.walk(ast.parse(text, filename=str(file))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (length := _length(node)) > FUNCTION_FAIL:
            yield f"{file}:{node.lineno}: {node.name} has {length} lines, more than {FUNCTION_FAIL}", True


def of_folder(folder: Path) -> Iterator[Finding]:
    """What one folder breaks."""
    count = len(list(folder.glob("*.py")))
    if count > FOLDER_FAIL:
        yield f"{folder}:1: {count} files, more than {FOLDER_FAIL}: split it by stage", True


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    end = node.end_lineno or node.lineno
    length = end - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is not None:
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


def main() -> int:
    """Check every room and the files at the top; 1 if a budget is overrun."""
    files = sorted(Path().glob("*.py"))
    findings: list[Finding] = []
    for room in ROOMS:
        folder = Path(room)
        files += sorted(folder.rglob("*.py"))
        for inner in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            findings += of_folder(inner)
    for file in files:
        findings += of_file(file)
    for text, _ in findings:
        print(text)
    return 1 if any(failure for _, failure in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
