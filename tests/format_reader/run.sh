#!/usr/bin/env bash
# Compares a reader that was written from docs/format.md alone with the command-line program.
# Usage: tests/format_reader/run.sh PATH-TO-FERROLITE
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 PATH-TO-FERROLITE" >&2; exit 2; }
program="$(realpath "$1")"
cd "$(dirname "$0")/../.."
. tools/env.sh

# The reader's packages, in an environment of their own. The stamp says which versions are there.
environment="$TOOLS/format-reader"
requirements=tests/format_reader/requirements.txt
if ! cmp -s "$requirements" "$environment/requirements.txt"; then
  echo "setup: installing $(tr '\n' ' ' <"$requirements")" >&2
  rm -rf "$environment"
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" || {
    echo "setup: the reader of the file format needs $(tr '\n' ' ' <"$requirements")from PyPI" >&2
    exit 1
  }
  cp "$requirements" "$environment/requirements.txt"
fi

directory="$(mktemp -d)"
trap 'rm -rf "$directory"' EXIT
PYTHONDONTWRITEBYTECODE=1 "$environment/bin/python" tests/format_reader/compare.py "$program" "$directory"
