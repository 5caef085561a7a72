#!/usr/bin/env bash
# A real Tryton base (PyPI) on loopback for end-to-end tests, its data in SQLite.  usage: start-tryton.sh WORKDIR PORT [stop]
# Needs python3 >= 3.11 (PYTHON names another).  Everything is written under WORKDIR: pid, info.json (address, user, key), logs.
# Idempotent: a running server is left alone, a stopped one comes back with its data (2 s).
# PACKAGES=DIR keeps the installed packages there for the next work folder; UV=… installs faster than pip.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)/tryton
W=$(mkdir -p "$1" && cd "$1" && pwd); PORT=$2
running() { [ -f "$W/pid" ] && kill -0 "$(cat "$W/pid")" 2>/dev/null; }
if [ "${3:-}" = stop ]; then
  if running; then
    kill "$(cat "$W/pid")"
    for _ in $(seq 50); do running || break; sleep 0.1; done
    if running; then kill -9 "$(cat "$W/pid")"; fi
  fi
  rm -f "$W/pid"; exit 0
fi
if running; then cat "$W/info.json"; exit 0; fi
failed() { tail -20 "$W/$1.log" >&2; exit 1; }
V=${PACKAGES:-$W/packages}
if [ ! -f "$V/installed" ]; then
  rm -rf "$V"; mkdir -p "$V"
  "${PYTHON:-python3}" -m venv "$V" >"$W/install.log" 2>&1 || failed install
  { [ -n "${UV:-}" ] && "$UV" pip install -q -p "$V/bin/python" --require-hashes -r "$HERE/requirements.txt"; } >>"$W/install.log" 2>&1 \
    || "$V/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$HERE/requirements.txt" >>"$W/install.log" 2>&1 \
    || failed install
  touch "$V/installed"
fi
cd "$W"
if [ ! -f info.json ]; then
  rm -f acc.sqlite*
  cat >trytond.conf <<CONF
[database]
uri = sqlite://
path = $W
[web]
listen = 127.0.0.1:$PORT
[email]
uri = smtp://127.0.0.1:1
CONF
  printf %s "${TRYTON_PASSWORD:-admin-pass-1}" >password; : >acc.sqlite
  TRYTONPASSFILE=$W/password "$V/bin/trytond-admin" -c trytond.conf -d acc -u account_invoice --activate-dependencies \
    --email admin@example.org >admin.log 2>&1 || failed admin
  "$V/bin/python" "$HERE/seed.py" "$W/info.new" "$PORT" "$(cat password)" "$W/trytond.conf" >seed.log 2>&1 || failed seed
  mv info.new info.json
fi
setsid nohup "$V/bin/trytond" -c trytond.conf -d acc >server.log 2>&1 </dev/null & echo $! >pid
for _ in $(seq 600); do
  running || { echo "trytond died:" >&2; rm -f pid; failed server; }
  curl -sf -o /dev/null -H 'Content-Type: application/json' -d '{"id":0,"method":"common.server.version","params":[]}' \
    "http://127.0.0.1:$PORT/rpc/" 2>/dev/null && { cat info.json; echo; exit 0; }
  sleep 0.1
done
echo "trytond not ready in 60 s" >&2; failed server
