#!/usr/bin/env bash
# Finds Prometheus and promtool, which check the rules and the dashboards; installs Debian's package where it may.
#
#   deploy/prometheus.sh         prints the paths of prometheus and promtool, one a line; exit code 1 with what to install
#   deploy/prometheus.sh check   checks the rules, and runs their tests, with promtool
#   deploy/prometheus.sh run     a Prometheus for the worker on this machine, with the rules, until Ctrl-C
#
# Environment:
#   AUTOREFUND_PROMETHEUS_BIN     the directory that has both           (default: the path, else Debian's package by apt-get, as root)
#   AUTOREFUND_PROMETHEUS_DIR     where `run` keeps its data            (default: run/prometheus in the project)
#   AUTOREFUND_PROMETHEUS_PORT    where `run` listens, on the loopback  (default: 9090)
#   AUTOREFUND_PROMETHEUS_RULES   the directory with prometheus.yml and the rules (default: deploy/prometheus)
#   AUTOREFUND_HTTP_PORT          the worker's port                     (default: 6066)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rules=${AUTOREFUND_PROMETHEUS_RULES:-$here/prometheus}
apt_seconds_max=300

say() { echo "prometheus.sh: $*" >&2; }
die() { say "$*"; exit 1; }

both_in() { "$1/prometheus" --version >/dev/null 2>&1 && "$1/promtool" --version >/dev/null 2>&1; }
on_the_path() { command -v prometheus >/dev/null && command -v promtool >/dev/null; }

apt_get() { DEBIAN_FRONTEND=noninteractive timeout "$apt_seconds_max" apt-get "$@" </dev/null >&2; }

# Debian starts a service with its package; a policy that says no (exit code 101) keeps it from being started here.
install_package() (
  policy=/usr/sbin/policy-rc.d
  say "installing Debian's package prometheus (once)"
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  apt_get update -qq || say "apt-get update failed; trying with what is known here"
  apt_get install -y -qq --no-install-recommends prometheus || say "apt-get could not install it (its message is above)"
)

find_both() {
  if [ -n "${AUTOREFUND_PROMETHEUS_BIN:-}" ]; then
    both_in "$AUTOREFUND_PROMETHEUS_BIN" || die "AUTOREFUND_PROMETHEUS_BIN=$AUTOREFUND_PROMETHEUS_BIN has no prometheus and promtool that run"
    prometheus=$AUTOREFUND_PROMETHEUS_BIN/prometheus promtool=$AUTOREFUND_PROMETHEUS_BIN/promtool
    return
  fi
  if ! on_the_path && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then install_package; fi
  on_the_path || die "no prometheus and promtool found: install Debian's package as root (apt-get install prometheus), or set AUTOREFUND_PROMETHEUS_BIN to the directory of a release that has both"
  prometheus=$(command -v prometheus) promtool=$(command -v promtool)
}

case ${1:-find} in
  find) find_both; echo "$prometheus"; echo "$promtool" ;;
  check)
    find_both
    "$promtool" check config "$rules/prometheus.yml"
    "$promtool" test rules "$rules"/tests/*.yml
    ;;
  run)
    find_both
    dir=${AUTOREFUND_PROMETHEUS_DIR:-$here/../run/prometheus} port=${AUTOREFUND_PROMETHEUS_PORT:-9090}
    mkdir -p "$dir/config"
    cp "$rules"/*.yml "$dir/config"
    sed -i "s/localhost:6066/localhost:${AUTOREFUND_HTTP_PORT:-6066}/" "$dir/config/prometheus.yml"
    say "listening on http://localhost:$port"
    exec "$prometheus" --config.file="$dir/config/prometheus.yml" --storage.tsdb.path="$dir/data" --web.listen-address="127.0.0.1:$port" \
      --log.level=warn </dev/null
    ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
