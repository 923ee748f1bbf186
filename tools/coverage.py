#!/usr/bin/env python3
"""Reads coverage in the lcov format, and prints how many lines of the engine and of the page layer the tests reach, and
which ones they do not. Lines of tests themselves do not count.

Usage: tools/coverage.py FILE
"""

import sys
from pathlib import Path

LAYERS = ["src/page", "src/engine"]
LEAST = 95.0


def lines_of_code(path: Path) -> int:
    """Lines before the tests of a file."""
    text = path.read_text().split("\n")
    return next((number for number, line in enumerate(text, 1) if line == "#[cfg(test)]"), len(text) + 1)


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    hits: dict[Path, dict[int, int]] = {}
    path = Path()
    for line in Path(sys.argv[1]).read_text().splitlines():
        kind, _, rest = line.partition(":")
        if kind == "SF":
            path = Path(rest).resolve()
        elif kind == "DA":
            number, count = map(int, rest.split(",")[:2])
            lines = hits.setdefault(path, {})
            lines[number] = max(lines.get(number, 0), count)
    failed = False
    for layer in LAYERS:
        reached = total = 0
        for path, lines in sorted(hits.items()):
            name = str(path.relative_to(root)) if path.is_relative_to(root) else ""
            if not name.startswith(layer + "/") or "/tests" in name or "fuzzing" in name:
                continue
            end = lines_of_code(path)
            code = {number: count for number, count in lines.items() if number < end}
            missed = sorted(number for number, count in code.items() if count == 0)
            reached += len(code) - len(missed)
            total += len(code)
            if missed:
                text = path.read_text().split("\n")
                for number in missed:
                    print(f"{name}:{number}: {text[number - 1].strip()}")
        share = 100 * reached / max(total, 1)
        failed |= share < LEAST
        print(f"{layer}: {reached} of {total} lines, {share:.1f}%")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
