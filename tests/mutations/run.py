#!/usr/bin/env python3
"""Puts deliberate bugs into a copy of the source, one at a time, and tells which test finds each.

Usage: tests/mutations/run.py [NAME]...      (all of tests/mutations/mutations.toml, when none is named)
       tests/mutations/run.py --check        whether the source still has the texts to be replaced
"""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ferrolite-mutations"
# The cheapest first: a bug that one of them finds is not shown to those behind it.
QUICK = [
    (["--lib"], ["--skip=fuzzing"]),
    (["--test=documents"], ["--skip=exhaustive", "--skip=every_fault", "--skip=full_disk"]),
    (["--test=simulation"], []),
    (["--test=corruption"], []),
]
FULL = [([suite], []) for suite in ["--test=documents", "--test=queries", "--test=elsewhere", "--test=model", "--test=simulation", "--lib"]]
# Seeds of each simulation in the quick suites.
SEEDS_QUICK = "300"
# A suite that takes longer has been made to hang.
SECONDS_MAX = 1200


def copy_of_the_source() -> Path:
    tree = CACHE / "tree"
    tree.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=SOURCE, check=True, capture_output=True)
    names = {name for name in listed.stdout.decode().splitlines() if (SOURCE / name).is_file()}
    for name in names:
        source, target = SOURCE / name, tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # What has not changed is not compiled anew.
        if not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copyfile(source, target)
    for target in [*tree.rglob("*.rs")]:
        if str(target.relative_to(tree)) not in names:
            target.unlink()
    return tree


def cargo(tree: Path, suite: list[str], tests: list[str], seeds: str | None) -> subprocess.CompletedProcess | None:
    """The outcome of a suite, or None when it hangs."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(CACHE / "target"), "RUST_BACKTRACE": "0"}
    if seeds:
        environment["FERROLITE_SEEDS"] = seeds
    command = ["cargo", "test", "--quiet", "--no-fail-fast", *suite, *tests]
    try:
        return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return None


def found_by(tree: Path) -> str | None:
    """The first test that fails."""
    for seeds, suites in ((SEEDS_QUICK, QUICK), (None, FULL)):
        for suite, tests in suites:
            compiled = cargo(tree, suite, ["--no-run"], seeds)
            if compiled is None or compiled.returncode != 0:
                sys.exit(f"this does not compile:\n{compiled.stderr if compiled else ''}")
            outcome = cargo(tree, suite, ["--", *tests] if tests else [], seeds)
            name = suite[0].removeprefix("--test=").removeprefix("--")
            if outcome is None:
                return f"{name}: a test hangs"
            if outcome.returncode != 0:
                failed = re.findall(r"^    (\w+(?:::\w+)+)$", outcome.stdout, re.M)
                failed = failed or re.findall(r"thread '(\S+)'", outcome.stderr)
                others = f" and {len(set(failed)) - 1} more" if len(set(failed)) > 1 else ""
                return f"{name}: `{failed[0]}`{others}" if failed else f"{name}: it aborts"
    return None


def check() -> int:
    """Reports the edits whose text the source does not have exactly once."""
    mutations = tomllib.loads((HERE / "mutations.toml").read_text())["mutation"]
    missing = 0
    for mutation in mutations:
        for edit in mutation["edits"]:
            path = SOURCE / edit["file"]
            count = path.read_text().count(edit["find"]) if path.is_file() else 0
            if count != 1:
                missing += 1
                print(f"{mutation['name']}: {edit['file']} holds the text to be replaced {count} times", file=sys.stderr)
    if missing == 0:
        print(f"deliberate bugs: the source has the texts of all {len(mutations)}")
    return 1 if missing else 0


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        return check()
    mutations = tomllib.loads((HERE / "mutations.toml").read_text())["mutation"]
    wanted = sys.argv[1:]
    mutations = [mutation for mutation in mutations if not wanted or mutation["name"] in wanted]
    missed = 0
    for mutation in mutations:
        tree = copy_of_the_source()
        for edit in mutation["edits"]:
            path = tree / edit["file"]
            text = path.read_text()
            if text.count(edit["find"]) != 1:
                sys.exit(f"{mutation['name']}: {edit['file']} holds the text to be replaced {text.count(edit['find'])} times")
            path.write_text(text.replace(edit["find"], edit["replace"]))
        started = time.monotonic()
        found = found_by(tree)
        missed += found is None
        print(f"| {mutation['name']} | {found or '**nothing**'} | {time.monotonic() - started:.0f} s |", flush=True)
    copy_of_the_source()
    print(f"{len(mutations) - missed} passed, {missed} failed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
