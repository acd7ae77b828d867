#!/usr/bin/env bash
# Shows autorefund at work: sets up what is missing, starts a Kafka and a worker, publishes a sample of shops, prints
# the decisions as they come, and stops everything. Needs Python 3.11+, and Java 17+ with Maven, or Docker.
#
#   deploy/demo.sh           about half a minute once all is set up
#   deploy/demo.sh --keep    stays up afterwards, for a look around, until Ctrl-C
#
# Environment: that of setup.sh and kafka.sh, and
#   AUTOREFUND_BROKERS   use this Kafka and start none; topics are made there
#   AUTOREFUND_RUN_DIR   where logs and Kafka's data go   (default: run/demo in the project; emptied at each start)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
ready_seconds_max=60
stop_seconds_max=20

say() { echo "demo.sh: $*" >&2; }
die() { say "$*"; exit 1; }
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' deploy/demo.sh >&2; }

keep=no
case ${1:-} in
  "") ;;
  --keep) keep=yes ;;
  -h | --help) usage; exit 0 ;;
  *) usage; exit 2 ;;
esac

run=${AUTOREFUND_RUN_DIR:-run/demo}
mkdir -p "$run"
run=$(cd "$run" && pwd)
export AUTOREFUND_KAFKA_DIR=${AUTOREFUND_KAFKA_DIR:-$run/kafka} AUTOREFUND_KAFKA_PORT=${AUTOREFUND_KAFKA_PORT:-0}
export AUTOREFUND_PARTITIONS=${AUTOREFUND_PARTITIONS:-4} AUTOREFUND_DATA_DIR=${AUTOREFUND_DATA_DIR:-$run/data}
export AUTOREFUND_HOLD_SECONDS=${AUTOREFUND_HOLD_SECONDS:-12}
worker=
our_kafka=no

stop_worker() {
  [ -n "$worker" ] && kill -TERM "$worker" 2>/dev/null || return 0
  for _ in $(seq $((stop_seconds_max * 10))); do
    kill -0 "$worker" 2>/dev/null || { worker=; return 0; }
    sleep 0.1
  done
  say "the worker did not stop within $stop_seconds_max s; killing it"
  kill -KILL "$worker" 2>/dev/null || true
}

clean_up() {
  local code=$?
  trap - EXIT INT TERM
  stop_worker
  [ "$our_kafka" = no ] || deploy/kafka.sh wipe || true
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# What /readyz answers: its status line, or nothing.
readyz() { (exec 3<>"/dev/tcp/127.0.0.1/$AUTOREFUND_HTTP_PORT" && printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3 && head -n 1 <&3) 2>/dev/null; }

wait_until_ready() {
  for _ in $(seq $((ready_seconds_max * 5))); do
    kill -0 "$worker" 2>/dev/null || { tail -n 20 "$run/worker.log" >&2; die "the worker ended; its last lines are above"; }
    [[ $(readyz) != *" 200 "* ]] || return 0
    sleep 0.2
  done
  tail -n 20 "$run/worker.log" >&2
  die "the worker was not ready within $ready_seconds_max s; its last lines are above"
}

python=$(deploy/setup.sh)

if [ -z "${AUTOREFUND_BROKERS:-}" ]; then
  deploy/kafka.sh wipe
  our_kafka=yes
  say "starting a Kafka"
  AUTOREFUND_BROKERS=$(deploy/kafka.sh start | tail -n 1)
  export AUTOREFUND_BROKERS
fi
say "making topics on $AUTOREFUND_BROKERS"
"$python" -m app topics >"$run/topics.log" || die "the topics could not be made"

if [ -z "${AUTOREFUND_HTTP_PORT:-}" ]; then
  AUTOREFUND_HTTP_PORT=6066
  while port_taken "$AUTOREFUND_HTTP_PORT"; do AUTOREFUND_HTTP_PORT=$((20000 + RANDOM % 12000)); done
fi
export AUTOREFUND_HTTP_PORT
say "starting a worker (its log: $run/worker.log)"
"$python" -m app worker </dev/null >"$run/worker.log" 2>&1 &
worker=$!
wait_until_ready

"$python" -m app demo </dev/null || die "the demo failed (the worker's log: $run/worker.log)"

if [ "$keep" = yes ]; then
  cat <<EOF

Everything stays up until Ctrl-C. From another terminal:
  export AUTOREFUND_BROKERS=$AUTOREFUND_BROKERS AUTOREFUND_HOLD_SECONDS=$AUTOREFUND_HOLD_SECONDS
  $python -m app demo --seed 2      other traffic
  $python -m app topics             what topics there are
  curl http://127.0.0.1:$AUTOREFUND_HTTP_PORT/metrics
  tail -f $run/worker.log
EOF
  wait "$worker" || true
fi
say "stopping everything"
