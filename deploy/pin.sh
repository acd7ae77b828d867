#!/usr/bin/env bash
# Writes deploy/requirements.txt and requirements-dev.txt anew from pyproject.toml: every package with its version and
# the hashes of all its files, so that they hold on every platform and Python. Versions that are pinned already stay.
#
#   deploy/pin.sh                          after a change of pyproject.toml
#   deploy/pin.sh --upgrade                everything to its newest
#   deploy/pin.sh --upgrade-package NAME   one package
#
# Extras stay in the names (coverage[toml]): else an older pip takes the extra for another package that nobody pinned, and
# fails on the day that a newer coverage is out.
# pip-tools runs in a throw-away environment of the oldest Python we support, as that one needs the most packages.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT

AUTOREFUND_VENV=$tools/venv
"${AUTOREFUND_PYTHON:-python3.11}" -m venv "$AUTOREFUND_VENV"
"$AUTOREFUND_VENV/bin/python" -m pip --disable-pip-version-check install --quiet pip-tools

compile() { # $1: file to write, rest: options
  local file=$1; shift
  "$AUTOREFUND_VENV/bin/pip-compile" --quiet --no-config --no-strip-extras --generate-hashes --allow-unsafe --all-build-deps \
    --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file "$file" "$@" pyproject.toml
  { echo "# Written by deploy/pin.sh from pyproject.toml. Do not edit."; sed '/^#/d' "$file"; } >"$tools/new"
  cat "$tools/new" >"$file"
}

cd "$root"
compile deploy/requirements.txt "$@"
compile deploy/requirements-dev.txt --extra dev "$@"
