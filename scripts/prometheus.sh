#!/usr/bin/env bash
# A real Prometheus for a test: 2.42, Debian 12's package, unpacked. Nothing of the system is changed.
#
#   prometheus.sh promtool ARGUMENT…       promtool, e.g. check rules FILE
#   prometheus.sh start DIR PORT CONFIG    Prometheus on 127.0.0.1:PORT, which keeps its data in DIR
#   prometheus.sh stop DIR                 stops it, and removes DIR
#   prometheus.sh install                  only downloads it
#
# With OWNER=PID it is stopped and removed when that process ends. The package is kept in VICE_PEERS_CACHE (/var/cache/vice-peers).
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/debian-packages.sh"

BIN=$PEERS_CACHE/bookworm/usr/bin

install_packages() { unpack bookworm prometheus; }

answers() { curl -sf --noproxy '*' --max-time 2 "http://127.0.0.1:$1/-/ready" >/dev/null; }

start() {
  local dir=$1 port=$2 config=$3 pid
  mkdir -p "$dir"
  stop_with_owner "$dir"
  setsid "$BIN/prometheus" --config.file="$config" --storage.tsdb.path="$dir/data" --web.listen-address="127.0.0.1:$port" \
    --log.level=warn >"$dir/log" 2>&1 </dev/null &
  pid=$!
  echo "$pid" >"$dir/pid"
  for _ in $(seq 600); do
    if answers "$port"; then exit 0; fi
    alive "$pid" || break
    sleep 0.1
  done
  tail -n 5 "$dir/log" >&2
  die "Prometheus did not start: see $dir/log"
}

command=${1-} dir=${2-}
case $command in
  promtool)
    install_packages
    exec "$BIN/promtool" "${@:2}"
    ;;
  start)
    [ $# = 4 ] || die 'usage: prometheus.sh start DIR PORT CONFIG'
    install_packages
    start "$(readlink -m "$dir")" "$3" "$(readlink -f "$4")"
    ;;
  stop)
    [ -n "$dir" ] || die 'which folder? usage: prometheus.sh stop DIR'
    [ ! -s "$dir/pid" ] || stop_process "$(cat "$dir/pid")" 10
    rm -rf "$dir"
    ;;
  install) install_packages ;;
  *) die "unknown command '$command': promtool, start, stop or install" ;;
esac
