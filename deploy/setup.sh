#!/usr/bin/env bash
# Finds a Python, makes the virtual environment, installs what is pinned and the project itself. Quick the second time.
#
#   deploy/setup.sh        what the worker needs
#   deploy/setup.sh dev    and what tests and checks need
#
# Prints the environment's python as its last line. Environment:
#   AUTOREFUND_VENV     where the virtual environment is or shall be   (default: .venv in the project)
#   AUTOREFUND_PYTHON   the Python to make it with, 3.11 or later      (default: the first that runs)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${AUTOREFUND_VENV:-$root/.venv}

say() { echo "setup.sh: $*" >&2; }
die() { say "$*"; exit 1; }

case ${1:-run} in
  run) requirements=$root/deploy/requirements.txt ;;
  dev) requirements=$root/deploy/requirements-dev.txt ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac

# A name on the path is not enough: version managers leave shims that only print an error. So each is run.
usable() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
  local candidate
  if [ -n "${AUTOREFUND_PYTHON:-}" ]; then
    usable "$AUTOREFUND_PYTHON" || die "AUTOREFUND_PYTHON=$AUTOREFUND_PYTHON is no Python 3.11 or later with venv and ensurepip"
    echo "$AUTOREFUND_PYTHON"; return
  fi
  for candidate in python3 python3.13 python3.12 python3.11 python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[123].*/bin/python python3.14; do
    if usable "$candidate"; then echo "$candidate"; return; fi
  done
  die "no Python 3.11 or later with venv and ensurepip found (on Debian: apt-get install python3 python3-venv); AUTOREFUND_PYTHON names one"
}

make_venv() {
  if [ -e "$venv" ]; then
    "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return
    [ -e "$venv/pyvenv.cfg" ] || [ -z "$(ls -A "$venv")" ] || die "$venv is there, but is no virtual environment; AUTOREFUND_VENV names another"
    say "the environment's Python does not run or is too old; making it anew"
    rm -rf "$venv"
  fi
  local python; python=$(find_python)
  say "making a virtual environment with $("$python" --version 2>&1)"
  "$python" -m venv "$venv" || die "the virtual environment could not be made"
}

pip() { "$python" -m pip --disable-pip-version-check --no-input install --quiet "$@" </dev/null >&2; }

install() {
  local wanted stamp="$venv/.autorefund-${1:-run}"
  wanted="$("$python" --version) $(cat "$requirements" "$root/pyproject.toml" | cksum) $root"
  [ ! -e "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ] || return 0
  "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip >/dev/null || die "the environment has no pip"
  say "installing what $(basename "$requirements") pins"
  pip --require-hashes -r "$requirements" || die "the pinned packages could not be installed"
  # no build isolation: what builds the project is pinned, too. Its warning about editable installs is no news here
  PYTHONWARNINGS=ignore pip --no-deps --no-build-isolation --editable "$root" || die "the project could not be installed"
  echo "$wanted" >"$stamp"
}

make_venv
python=$venv/bin/python
install "${1:-run}"
echo "$python"
