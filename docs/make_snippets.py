"""Writes the code that pages show into the pages, so that a Git host shows it too; with --check, says which are not up to date.

    python3 docs/make_snippets.py [--check]

A snippet is a comment that names files of the source tree, and the code block that follows it:

    .. snippet: examples/cavity/cavity_physics.h
    .. snippet: examples/cavity/cavity.c examples/cavity/cavity_dini.c        (the difference between the two)
"""

import difflib
import re
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
SNIPPET = re.compile(r"^\.\. snippet: (?P<files>.+)\n\n\.\. code-block:: \w+\n\n(?:(?: {3}.*)?\n)*(?=\S)", re.MULTILINE)


def code(match):
    files = match["files"].split()
    texts = [(root / name).read_text(encoding="utf-8").splitlines() for name in files]
    lines = texts[0] if len(files) == 1 else list(difflib.unified_diff(*texts, *files, lineterm=""))
    body = "\n".join(f"   {line}".rstrip() for line in lines).rstrip()
    return f".. snippet: {match['files']}\n\n.. code-block:: {'c' if len(files) == 1 else 'diff'}\n\n{body}\n\n"


stale = []
for page in sorted((root / "docs").glob("*.rst")):
    old = page.read_text(encoding="utf-8")
    new = SNIPPET.sub(code, old)
    if new != old:
        stale.append(page.name)
        if "--check" not in sys.argv:
            page.write_text(new, encoding="utf-8")
if stale and "--check" in sys.argv:
    sys.exit(f"code in {', '.join(stale)} is not that of its file: run python3 docs/make_snippets.py")
