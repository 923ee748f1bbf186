#!/usr/bin/env bash
# Prints the ten slowest parts of FERROLITE_PARTS (see tools/part.sh), and for how long all of them together kept the machine busy.
set -euo pipefail
printf '\n%9s %9s\n' seconds CPU
sort -rn "$FERROLITE_PARTS" | head -n 10 | awk -F '\t' '{ printf "%9s %9s  %s\n", $1, $2, $3 }'
