#!/usr/bin/env bash
# Whole databases on simulated disks, by seeds: see tests/simulation/runner.rs.
#   DISK=honest|lying|shared  one kind of disk only
#   SEED=n                    one seed again, and what it does
#   SEEDS=n, SEEDS=a..b       the seeds below n, or those from a to below b
#   MINUTES=n                 otherwise: new seeds for so long (1)
set -euo pipefail
cd "$(dirname "$0")/.."

case "${DISK:-}" in
  honest) tests=(honest_disks) ;;
  lying) tests=(lying) ;;
  shared) tests=(two_connections) ;;
  "") tests=(honest_disks lying two_connections) ;;
  *) echo "DISK is honest, lying or shared" >&2; exit 2 ;;
esac
profile=torture
if [ -n "${SEED:-}" ]; then
  # The profile of the ordinary tests is built already, most of the time.
  profile=test
  export FERROLITE_SEED=$SEED FERROLITE_TRACE=1
elif [ -n "${SEEDS:-}" ]; then
  export FERROLITE_SEEDS=$SEEDS
else
  export FERROLITE_TORTURE=${MINUTES:-1}
fi
exec cargo test --quiet --profile "$profile" --test simulation -- --nocapture "${tests[@]}"
