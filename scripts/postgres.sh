#!/usr/bin/env bash
# A real PostgreSQL for a test, beside whatever the machine runs. Debian, as root; nothing of the system is changed.
#
#   postgres.sh start DIR PORT   127.0.0.1:PORT, role root without a password, database vice
#   postgres.sh stop-keep DIR    stops it as its service is stopped: clients are cut off; a later start on DIR finds what it held
#   postgres.sh kill DIR         the same by SIGKILL of all its processes
#   postgres.sh freeze DIR       it stands still: connections stay, nothing is answered
#   postgres.sh thaw DIR         it goes on
#   postgres.sh stop DIR         stops it in whatever state it is, and removes DIR
#
# It runs as the user postgres, with the newest server that is installed. With OWNER=PID it is stopped and removed when that process ends.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/debian-packages.sh"

bin_folder() {
  local newest
  newest=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 2>/dev/null | sort -V | tail -n 1)
  [ -x "$newest/bin/postgres" ] || die 'no PostgreSQL server is installed: scripts/install-peers.sh installs it'
  echo "$newest/bin"
}

as_postgres() { (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$@"); }

make_cluster() {
  local dir=$1 bin=$2
  mkdir -p "$dir"
  chown postgres:postgres "$dir"
  chmod 700 "$dir"
  as_postgres "$bin/initdb" --pgdata="$dir/new" --username=root --auth=trust --encoding=UTF8 --no-sync >"$dir/initdb.log" || die "initdb failed: see $dir/initdb.log"
  as_postgres sh -c 'echo "CREATE DATABASE vice" | "$0" --single -D "$1" postgres' "$bin/postgres" "$dir/new" >>"$dir/initdb.log" 2>&1 ||
    die "the database vice cannot be made: see $dir/initdb.log"
  mv "$dir/new" "$dir/cluster"
}

answers() { as_postgres psql -h 127.0.0.1 -p "$1" -U root -d vice -qtAc 'SELECT 1' >/dev/null 2>&1; }

start() {
  local dir=$1 port=$2 bin pid
  [ "$(id -u)" = 0 ] || die 'a PostgreSQL of its own needs root'
  if ! [[ $port =~ ^[0-9]+$ ]]; then die "'$port' is no port"; fi
  bin=$(bin_folder)
  end_leftovers "$dir"
  [ -e "$dir/cluster/PG_VERSION" ] || make_cluster "$dir" "$bin"
  stop_with_owner "$dir"
  setsid "$0" run "$dir" "$port" >>"$dir/log" 2>&1 </dev/null &
  pid=$!
  # setsid makes no further process here: this is the server's main one
  echo "$pid" >"$dir/pid"
  for _ in $(seq 600); do
    if answers "$port"; then exit 0; fi
    alive "$pid" || break
    sleep 0.1
  done
  tail -n 15 "$dir/log" >&2
  die "the server did not start: see $dir/log"
}

run() {
  local dir=$1 port=$2 bin
  bin=$(bin_folder)
  cd /
  exec setpriv --reuid=postgres --regid=postgres --clear-groups env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$bin/postgres" -D "$dir/cluster" \
    -c listen_addresses=127.0.0.1 -c port="$port" -c unix_socket_directories= -c max_connections=100
}

# processes DIR: of the server, each of which is in a session of its own.
processes() {
  [ -s "$1/pid" ] || return 0
  local main
  main=$(cat "$1/pid")
  ps -eo pid=,ppid=,stat= | awk -v main="$main" '($1 == main || $2 == main) && $3 !~ /^Z/ { print $1 }'
}

# signal_all DIR SIGNAL
signal_all() {
  local pids
  pids=$(processes "$1")
  # shellcheck disable=SC2086 # a list
  [ -z "$pids" ] || kill "-$2" $pids 2>/dev/null || true
}

end_leftovers() {
  [ -s "$1/pid" ] || return 0
  signal_all "$1" CONT
  kill -INT "$(cat "$1/pid")" 2>/dev/null || true
  for _ in $(seq 300); do
    if ! alive "$(cat "$1/pid")"; then break; fi
    sleep 0.1
  done
  kill_all "$1"
}

kill_all() {
  local pids pid
  # stopped first, so that it starts no more of them meanwhile
  [ ! -s "$1/pid" ] || kill -STOP "$(cat "$1/pid")" 2>/dev/null || true
  pids=$(processes "$1")
  signal_all "$1" KILL
  for pid in $pids; do
    while alive "$pid"; do sleep 0.05; done
  done
  # the next server would take a zombie for this one
  rm -f "$1/pid" "$1/cluster/postmaster.pid"
}

command=${1-} dir=${2-}
[ -n "$dir" ] || die 'which folder? usage: postgres.sh start|stop|stop-keep|kill|freeze|thaw DIR …'
dir=$(readlink -m "$dir")
case $command in
  start) start "$dir" "${3-}" ;;
  run) run "$dir" "$3" ;;
  stop-keep) end_leftovers "$dir" ;;
  kill) kill_all "$dir" ;;
  freeze) signal_all "$dir" STOP ;;
  thaw) signal_all "$dir" CONT ;;
  stop) end_leftovers "$dir" && rm -rf "$dir" ;;
  *) die "unknown command '$command': start, stop, stop-keep, kill, freeze, thaw or stop" ;;
esac
