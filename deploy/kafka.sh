#!/usr/bin/env bash
# A one-node Apache Kafka (KRaft) on this machine, for the demo and the tests. Not for production.
#
#   deploy/kafka.sh start     starts it, waits until it serves, prints its address (host:port) as the last line
#   deploy/kafka.sh address   prints the address it was last started on
#   deploy/kafka.sh status    running: prints the address, exit 0; not running: exit 3
#   deploy/kafka.sh stop      stops it in order (SIGTERM); what it stored is kept
#   deploy/kafka.sh kill      stops it at once (SIGKILL), as a power cut would
#   deploy/kafka.sh wipe      kills it and removes all it stored
#   deploy/kafka.sh libs      only fetches what it needs (Maven's jars, or the Docker image)
#
# Environment:
#   AUTOREFUND_KAFKA_DIR    where it keeps data, log and pid      (default: run/kafka in the project)
#   AUTOREFUND_KAFKA_PORT   its port on 127.0.0.1; the controller takes the next one. 0 = any free one; a data
#                           directory keeps the port it was given (default: 9092)
#   AUTOREFUND_KAFKA_HEAP   Java heap                             (default: 1g)
#   AUTOREFUND_KAFKA_JAVA   options of its Java, with Java only   (default: -XX:+UseG1GC)
#   AUTOREFUND_KAFKA_EXTRA  more lines for server.properties, which outdo ours (default: none); {port} stands for its port
#                           there, {next_port} for the controller's
#   AUTOREFUND_KAFKA_FORMAT more arguments for formatting its storage, with Java only (default: none)
#   AUTOREFUND_KAFKA_CLUSTER_ID  a new data directory joins this cluster (default: one of its own)
#   AUTOREFUND_KAFKA_BY     java | docker: do not look, use this  (default: java with Maven, else docker)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${AUTOREFUND_KAFKA_DIR:-$here/../run/kafka}
port=${AUTOREFUND_KAFKA_PORT:-9092}
heap=${AUTOREFUND_KAFKA_HEAP:-1g}
read -ra java_options <<<"${AUTOREFUND_KAFKA_JAVA:--XX:+UseG1GC}" || true
libs=$here/kafka/libs
image=apache/kafka:4.2.0
java_version_min=17
java_brief=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1) # for a process that is over before the compiler would have paid
start_seconds_max=120
stop_seconds_max=30

say() { echo "kafka.sh: $*" >&2; }
die() { say "$*"; exit 1; }

# ---------------------------------------------------------------- what we run it with

java_bin() { if [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ]; then echo "$JAVA_HOME/bin/java"; else command -v java; fi; }

# The reason Java cannot be used, or nothing.
java_trouble() {
  local java version
  java=$(java_bin) || { echo "no java found (Java $java_version_min or later is needed, or Docker)"; return; }
  version=$("$java" -version 2>&1 | sed -n 's/.*version "\(1\.\)\{0,1\}\([0-9][0-9]*\).*/\2/p' | head -n 1) || true
  [ -n "$version" ] || { echo "$java does not run: $("$java" -version 2>&1 | head -n 1)"; return; }
  [ "$version" -ge "$java_version_min" ] || { echo "$java is Java $version, Kafka needs $java_version_min or later"; return; }
  libs_complete || command -v mvn >/dev/null || echo "no mvn found (Maven fetches Kafka's jars; or Docker)"
}

docker_works() { command -v docker >/dev/null && docker info >/dev/null 2>&1; }

choose_runner() {
  local trouble
  by=${AUTOREFUND_KAFKA_BY:-}
  [ -z "$by" ] && [ -e "$dir/by" ] && by=$(cat "$dir/by")
  case $by in
    docker) docker_works || die "docker was asked for, but 'docker info' fails"; return ;;
    java) trouble=$(java_trouble); [ -z "$trouble" ] || die "$trouble"; return ;;
    "") ;;
    *) die "AUTOREFUND_KAFKA_BY is '$by'; java or docker is meant" ;;
  esac
  trouble=$(java_trouble)
  if [ -z "$trouble" ]; then by=java; return; fi
  docker_works || die "$trouble; and Docker does not work here either"
  by=docker
}

# ---------------------------------------------------------------- what it needs

pom_sum() { cksum <"$here/kafka/pom.xml"; }
libs_complete() { [ -e "$libs/.complete" ] && [ "$(cat "$libs/.complete")" = "$(pom_sum)" ]; }

# Jars go to a directory of their own first: an interrupted download leaves nothing that looks whole.
fetch_jars() {
  libs_complete && return
  local fresh="$libs.fetching.$$"
  say "fetching Kafka's jars with Maven (about 55 MB, once)"
  rm -rf "$fresh"; mkdir "$fresh"
  if ! mvn -q -B -f "$here/kafka/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$fresh" </dev/null >"$fresh/.log" 2>&1; then
    cat "$fresh/.log" >&2; rm -rf "$fresh"; die "Maven could not fetch the jars (its message is above)"
  fi
  pom_sum >"$fresh/.complete"
  if ! libs_complete; then rm -rf "$libs"; mv "$fresh" "$libs"; fi # somebody else may have been quicker
  rm -rf "$fresh"
}

fetch() {
  if [ "$by" = java ]; then fetch_jars; return; fi
  docker image inspect "$image" >/dev/null 2>&1 || docker pull "$image" >&2 || die "docker could not pull $image"
}

# ---------------------------------------------------------------- ports

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

choose_port() {
  [[ $port =~ ^[0-9]+$ ]] && [ "$port" -le 65534 ] || die "AUTOREFUND_KAFKA_PORT is '$port'; a port number up to 65534 is meant"
  any_port=no
  [ "$port" -ne 0 ] || [ ! -e "$dir/port" ] || port=$(cat "$dir/port")
  if [ "$port" -ne 0 ]; then
    ! port_taken "$port" || die "port $port is in use; stop what holds it, or set AUTOREFUND_KAFKA_PORT (0 = any free one)"
    ! port_taken $((port + 1)) || die "port $((port + 1)), the controller's, is in use; set AUTOREFUND_KAFKA_PORT (0 = any free one)"
    return
  fi
  any_port=yes
  for _ in $(seq 50); do
    port=$((20000 + (RANDOM * 2) % 12000)) # below the ports that outgoing connections are given
    port_taken "$port" || port_taken $((port + 1)) || return 0
  done
  die "no free port found"
}

# ---------------------------------------------------------------- settings

# $1: address to bind to, $2: data directory as the broker sees it.
# The short broker session lets a killed broker come back after 4 seconds instead of 9 (its old registration must lapse).
properties() {
  local extra=${AUTOREFUND_KAFKA_EXTRA:-}
  extra=${extra//\{next_port\}/$((port + 1))}
  cat <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://$1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
log.dirs=$2
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
log.cleaner.dedupe.buffer.size=16777216
${extra//\{port\}/$port}
EOF
}

# ---------------------------------------------------------------- by Java

pid() { cat "$dir/pid" 2>/dev/null; }

# A pid file may outlive its process, and the number be given to another: the command line must be ours, too.
java_running() {
  local pid; pid=$(pid) && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && ps -ww -o args= -p "$pid" 2>/dev/null | grep -qF "$dir/server.properties"
}

java_start() {
  local java log="$dir/broker.log"
  java=$(java_bin)
  properties 127.0.0.1 "$dir/data" >"$dir/server.properties"
  if [ ! -e "$dir/data/meta.properties" ]; then
    local id=${AUTOREFUND_KAFKA_CLUSTER_ID:-} more
    [ -n "$id" ] || id=A$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 2-22)
    read -ra more <<<"${AUTOREFUND_KAFKA_FORMAT:-}" || true
    "$java" "${java_brief[@]}" -cp "$libs/*" kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" "${more[@]}" >"$dir/format.log" 2>&1 ||
      die "Kafka's storage could not be formatted: $(tail -n 3 "$dir/format.log")"
  fi
  nohup "$java" "-Xmx$heap" "${java_options[@]}" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info -Dorg.slf4j.simpleLogger.showDateTime=true \
    -cp "$libs/*" kafka.Kafka "$dir/server.properties" </dev/null >"$log" 2>&1 &
  echo $! >"$dir/pid"
  disown
  # right after the fork its command line is still this script's, and it would be taken for somebody else's process
  for _ in $(seq 50); do
    if java_running || ! kill -0 "$(pid)" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
}

java_ready() { grep -q 'Kafka Server started' "$dir/broker.log"; }

signal_java() { # $1: signal
  java_running || { rm -f "$dir/pid"; return 0; }
  local pid stat; pid=$(pid)
  kill "-$1" "$pid" 2>/dev/null || true
  for _ in $(seq $((stop_seconds_max * 10))); do
    # A child that nobody waits for stays listed as a zombie (Z), and holds nothing any more; with an l it has threads
    # that still end, and hold its ports and files.
    stat=$(ps -o stat= -p "$pid" 2>/dev/null) || true
    if [ -z "$stat" ] || [[ $stat == Z* && $stat != *l* ]]; then rm -f "$dir/pid"; return 0; fi
    sleep 0.1
  done
  [ "$1" = KILL ] && die "process $pid is still there after SIGKILL"
  say "not gone after $stop_seconds_max seconds; killing it"
  signal_java KILL
}

# ---------------------------------------------------------------- by Docker

container() { echo "autorefund-kafka-$(cat "$dir/port")"; }
docker_running() { [ -e "$dir/port" ] && [ "$(docker inspect -f '{{.State.Running}}' "$(container)" 2>/dev/null)" = true ]; }

docker_start() {
  mkdir -p "$dir/config" # the image takes a folder of its own
  properties 0.0.0.0 /tmp/kraft-data >"$dir/config/server.properties"
  if docker inspect "$(container)" >/dev/null 2>&1; then docker start "$(container)" >/dev/null; return; fi
  docker run -d --name "$(container)" -p "127.0.0.1:$port:$port" -e "KAFKA_HEAP_OPTS=-Xmx$heap" \
    -v "$dir/config:/mnt/shared/config:ro" "$image" >/dev/null ||
    die "docker could not run $image"
}

docker_ready() {
  docker logs --since "$(docker inspect -f '{{.State.StartedAt}}' "$(container)")" "$(container)" >"$dir/broker.log" 2>&1
  grep -q 'Kafka Server started' "$dir/broker.log"
}

# ---------------------------------------------------------------- commands

# Which of the two a running or stopped broker belongs to; nothing was ever started where the file is missing.
known_runner() { by=$(cat "$dir/by" 2>/dev/null) || by=java; }
running() { "${by}_running"; }

wait_until_ready() {
  for _ in $(seq $((start_seconds_max * 10))); do
    if "${by}_ready" && port_taken "$port"; then return 0; fi
    running || return 1
    sleep 0.1
  done
  return 1
}

start() {
  mkdir -p "$dir"; dir=$(cd "$dir" && pwd)
  known_runner
  if running; then say "already running"; address; return; fi
  choose_runner
  fetch
  for _ in 1 2 3; do
    choose_port
    echo "$port" >"$dir/port"; echo "$by" >"$dir/by"
    "${by}_start"
    if wait_until_ready; then address; return; fi
    # between our look and its start somebody may have taken a port that we picked: pick another
    if [ "$any_port" = yes ] && grep -q 'already in use' "$dir/broker.log"; then rm -f "$dir/port"; port=0; continue; fi
    break
  done
  tail -n 15 "$dir/broker.log" >&2
  halt KILL
  die "Kafka did not start; its last lines are above, all of them in broker.log of AUTOREFUND_KAFKA_DIR"
}

address() { [ -e "$dir/port" ] || die "never started"; echo "127.0.0.1:$(cat "$dir/port")"; }

halt() { # $1: TERM or KILL
  [ -d "$dir" ] || return 0
  dir=$(cd "$dir" && pwd); known_runner
  if [ "$by" = java ]; then signal_java "$1"; return; fi
  docker_running || return 0
  if [ "$1" = TERM ]; then docker stop -t "$stop_seconds_max" "$(container)"; else docker kill "$(container)"; fi >/dev/null
  while docker_running; do sleep 0.1; done
}

wipe() {
  halt KILL
  [ ! -e "$dir/by" ] || [ "$(cat "$dir/by")" != docker ] || docker rm -f -v "$(container)" >/dev/null 2>&1 || true
  # only what we made: AUTOREFUND_KAFKA_DIR may be any directory
  rm -rf "$dir/data" "$dir/config" "$dir/server.properties" "$dir/broker.log" "$dir/format.log" "$dir/pid" "$dir/port" "$dir/by"
  rmdir "$dir" 2>/dev/null || true
}

status() {
  [ -d "$dir" ] || { say "not running"; exit 3; }
  dir=$(cd "$dir" && pwd); known_runner
  running || { say "not running"; exit 3; }
  address
}

case ${1:-} in
  start | address | status | wipe) "$1" ;;
  stop) halt TERM ;;
  kill) halt KILL ;;
  libs) mkdir -p "$dir"; choose_runner; fetch ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
