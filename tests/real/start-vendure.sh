#!/usr/bin/env bash
# A real Vendure shop (npm) on loopback for end-to-end tests.  usage: start-vendure.sh WORKDIR PORT [stop]
# Needs node >= 20 and npm.  Everything is written under WORKDIR: pid, info.json (base address and key), server.log.
# Idempotent: a running shop is left alone, a stopped one comes back with its data (a restart takes about 10 s).
# PGURL=postgres://… keeps the data in PostgreSQL; otherwise SQLite in WebAssembly, saved after each write.
# MODULES=DIR keeps node_modules there for the next work folder (24–43 s saved).
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)/vendure
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
M=${MODULES:-$W}; mkdir -p "$M"
if [ ! -f "$M/installed" ]; then
  # Locked versions; `npm ci` refuses a lock that lacks other systems' optional parts. One transitive package is
  # held back in package.json: its newer releases name a version that the registry may not carry yet.
  cp "$HERE/package.json" "$HERE/package-lock.json" "$M/"
  (cd "$M" && npm install --no-audit --no-fund --legacy-peer-deps --ignore-scripts --loglevel=error) \
    >"$W/npm.log" 2>&1 || { tail -20 "$W/npm.log" >&2; exit 1; }
  touch "$M/installed"
fi
[ "$M" = "$W" ] || [ -e "$W/node_modules" ] || ln -s "$M/node_modules" "$W/node_modules"
cp "$HERE/server.js" "$W/server.js"
cd "$W"
PORT=$PORT setsid nohup node --preserve-symlinks --preserve-symlinks-main server.js >server.log 2>&1 </dev/null & echo $! >pid
for _ in $(seq 600); do
  running || { echo "vendure died:" >&2; tail -20 server.log >&2; rm -f pid; exit 1; }
  [ -f info.json ] && curl -sf "http://127.0.0.1:$PORT/health" >/dev/null 2>&1 && { cat info.json; echo; exit 0; }
  sleep 0.2
done
echo "vendure not ready in 120 s" >&2; tail -20 server.log >&2; exit 1
