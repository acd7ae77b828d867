#!/usr/bin/env bash
# Sets up what is missing, then checks and tests everything. Ends with pytest's own closing lines.
#
#   deploy/test.sh [PYTEST ARGUMENTS]         all but chaos; starts a Kafka of its own where tests need one
#   deploy/test.sh quick [PYTEST ARGUMENTS]   what needs no broker
#   deploy/test.sh chaos [PYTEST ARGUMENTS]   only the minutes-long tests that kill workers and brokers
#
# Environment: that of setup.sh and kafka.sh.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

what=all
case ${1:-} in quick | chaos) what=$1; shift ;; -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "deploy/test.sh"; exit 0 ;; esac

step() { # $1: name, rest: command
  local name=$1 start=$SECONDS; shift
  echo "== $name"
  "$@" || { echo "test.sh: $name failed" >&2; exit 1; }
  echo "   ($((SECONDS - start)) s)"
}

start=$SECONDS
python=$(deploy/setup.sh dev)
bin=$(dirname "$python")
echo "== set up ($((SECONDS - start)) s)"

step "ruff check" "$bin/ruff" check .
step "ruff format" "$bin/ruff" format --check --quiet .
step "mypy" "$bin/mypy"
step "import contracts" "$bin/lint-imports" --no-cache

case $what in
  quick) marks="not integration and not chaos" ;;
  chaos) marks="chaos" ;;
  all) marks="not chaos" ;;
esac
[ "$what" = quick ] || step "Kafka's jars" deploy/kafka.sh libs
[ "$what" = chaos ] || step "Prometheus, for the rules" deploy/prometheus.sh

echo "== pytest ($marks)"
log=run/pytest.log
mkdir -p run
# Two files at a time: most tests wait for a broker or a worker. Chaos wants the machine for itself.
[ "$what" = chaos ] && abreast=0 || abreast=2
"$python" -m pytest -m "$marks" -n "$abreast" --dist loadfile --cov --cov-report=term "$@" </dev/null 2>&1 | tee "$log"
if [ "$what" != chaos ] && [ $# -eq 0 ]; then
  # What decides about money is run through, every branch of it; a line here that no test reaches is a rule nobody checked.
  step "every branch of the core and the schemas is tested" \
    "$bin/coverage" report --include='app/core/*,schemas/*' --fail-under=100 --skip-covered
fi
tail -n 1 "$log"
