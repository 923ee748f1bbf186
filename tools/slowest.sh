#!/usr/bin/env bash
# Prints the ten slowest parts of the file FERROLITE_PARTS, which tools/part.sh has written. Parts run side by side, so their
# seconds add up to more than the whole run has taken.
set -euo pipefail
[ -s "$FERROLITE_PARTS" ] || exit 0
printf '\n%9s %9s  %s\n' seconds CPU 'the slowest parts'
sort -rn "$FERROLITE_PARTS" | awk -F '\t' 'NR <= 10 { printf "%9s %9s  %s\n", $1, $2, $3 }'
