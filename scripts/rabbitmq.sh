#!/usr/bin/env bash
# A real RabbitMQ for a test, beside whatever the machine runs. Debian 12, as root; nothing of the system is changed.
#
#   rabbitmq.sh start DIR PORT [3|4]   3 = 3.10, Debian 12's installed package (the default); 4 = 4.0 of Debian 13, in a tree of its own
#   rabbitmq.sh stop-keep DIR          stops it; a later start on DIR with the same port and version finds its queues again
#   rabbitmq.sh kill DIR               the same by SIGKILL
#   rabbitmq.sh stop DIR               stops it in whatever state it is, and removes DIR
#   rabbitmq.sh ctl DIR ARGUMENT…      rabbitmqctl of that broker
#   rabbitmq.sh install                only downloads what version 4 needs (a minute)
#
# AMQP is on 127.0.0.1:PORT (guest/guest), the management API on PORT+10000, Prometheus on PORT+10020; Erlang takes PORT+1000 and PORT+20000, so
# PORT ends at 45535. CONF adds lines to rabbitmq.conf, e.g. CONF='consumer_timeout = 10000'. With OWNER=PID the
# broker is stopped and removed when that process ends. Version 4 is kept in VICE_PEERS_CACHE (/var/cache/vice-peers).
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/debian-packages.sh"

ROOT4=$PEERS_CACHE/rabbitmq4

install_version_4() {
  mkdir -p "$PEERS_CACHE"
  exec 9>"$PEERS_CACHE/rabbitmq4.lock"
  flock 9
  if [ ! -e "$ROOT4/.complete" ]; then
    command -v debootstrap >/dev/null || die 'debootstrap is missing: scripts/install-peers.sh installs it'
    rm -rf "$ROOT4"
    debootstrap --variant=minbase --include=rabbitmq-server trixie "$ROOT4" "$(debian_mirror)" >"$PEERS_CACHE/rabbitmq4.log" 2>&1 ||
      die "debootstrap failed: see $PEERS_CACHE/rabbitmq4.log"
    touch "$ROOT4/.complete"
  fi
  exec 9>&-
}

# Version 4 runs inside Debian 13's tree, where DIR is mounted at the path that inner_path tells.
inner_path() {
  if [ "$(cat "$1/version")" = 4 ]; then echo "/run/vice$(cat "$1/port")"; else echo "$1"; fi
}

# inside DIR COMMAND…: runs it where this broker's programs are, with this broker's names and folders.
inside() {
  local dir=$1 port at enter=()
  shift
  port=$(cat "$dir/port")
  at=$(inner_path "$dir")
  if [ "$at" != "$dir" ]; then
    mkdir -p "$ROOT4$at"
    # shellcheck disable=SC2016 # for the inner shell
    enter=(unshare --mount sh -c 'mount --bind "$1" "$2$3" && mount --rbind /proc "$2/proc" && mount --rbind /dev "$2/dev" && root=$2 && shift 3 && exec chroot "$root" "$@"'
      sh "$dir" "$ROOT4" "$at")
  fi
  "${enter[@]}" env HOME="$at" LANG=C.UTF-8 ERL_CRASH_DUMP="$at/log/erl_crash.dump" ERL_EPMD_PORT=$((port + 1000)) ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_NODENAME="vice$port@localhost" RABBITMQ_DIST_PORT=$((port + 20000)) \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
    RABBITMQ_MNESIA_BASE="$at/mnesia" RABBITMQ_LOG_BASE="$at/log" RABBITMQ_PID_FILE="$at/rabbitmq.pid" \
    RABBITMQ_CONFIG_FILE="$at/etc/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE="$at/etc/rabbitmq-env.conf" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$at/etc/enabled_plugins" "$@"
}

write_configuration() {
  local dir=$1 port=$2 version=$3
  mkdir -p "$dir"/{mnesia,log,etc}
  echo "$port" >"$dir/port"
  echo "$version" >"$dir/version"
  cat >"$dir/etc/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$port
management.tcp.ip = 127.0.0.1
management.tcp.port = $((port + 10000))
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = $((port + 10020))
default_user = guest
default_pass = guest
${CONF-}
END
  echo '[rabbitmq_management,rabbitmq_prometheus].' >"$dir/etc/enabled_plugins"
  # overrides the file of the system's own broker
  printf '%s\n' "NODENAME=vice$port@localhost" "NODE_PORT=$port" "DIST_PORT=$((port + 20000))" >"$dir/etc/rabbitmq-env.conf"
}

# The management API answers before AMQP is listened to.
healthy() { curl -sf --noproxy '*' --max-time 2 -u guest:guest "http://127.0.0.1:$(($1 + 10000))/api/health/checks/$2" >/dev/null; }

start() {
  local dir=$1 port=$2 version=$3 pid
  [ "$(id -u)" = 0 ] || die 'a RabbitMQ of its own needs root'
  if ! [[ $port =~ ^[0-9]+$ ]] || ((port > 45535)); then die "'$port' is no port up to 45535"; fi
  case $version in
    3) [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || die 'rabbitmq-server is not installed: scripts/install-peers.sh installs it' ;;
    4) install_version_4 ;;
    *) die "unknown version $version: 3 or 4" ;;
  esac
  end_leftovers "$dir"
  write_configuration "$dir" "$port" "$version"
  stop_with_owner "$dir"
  # a shell of its own process group, so that stop reaches Erlang's helpers too
  setsid "$0" run "$dir" >"$dir/log/out" 2>&1 </dev/null &
  pid=$!
  echo "$pid" >"$dir/pid"
  for _ in $(seq 450); do
    if healthy "$port" local-alarms && healthy "$port" "port-listener/$port"; then exit 0; fi
    alive "$pid" || break
    sleep 0.2
  done
  tail -n 15 "$dir/log/out" >&2
  die "the broker did not start: see $dir/log"
}

# The port mapper of Erlang leaves the process group: it is found by its port, which is this broker's alone.
end_port_mapper() {
  local pid
  [ -s "$1/port" ] || return 0
  for pid in $(ss -ltnpH "sport = :$(($(cat "$1/port") + 1000))" | grep -oE '"epmd",pid=[0-9]+' | cut -d= -f2 | sort -u); do stop_process "$pid" 2; done
}

end_leftovers() {
  if [ -s "$1/pid" ]; then stop_process "-$(cat "$1/pid")" 20; fi
  rm -f "$1/pid"
  end_port_mapper "$1"
}

command=${1-} dir=${2-}
[ -n "$dir" ] || [ "$command" = install ] || die 'which folder? usage: rabbitmq.sh start|stop|stop-keep|kill|ctl DIR …'
[ -z "$dir" ] || dir=$(readlink -m "$dir")
case $command in
  start) start "$dir" "${3-}" "${4:-3}" ;;
  run) inside "$dir" /usr/lib/rabbitmq/bin/rabbitmq-server ;;
  ctl) inside "$dir" /usr/lib/rabbitmq/bin/rabbitmqctl "${@:3}" ;;
  stop-keep) end_leftovers "$dir" ;;
  kill)
    [ ! -s "$dir/pid" ] || kill -KILL -- "-$(cat "$dir/pid")" 2>/dev/null || true
    end_leftovers "$dir"
    ;;
  stop) end_leftovers "$dir" && rm -rf "$dir" ;;
  install) install_version_4 ;;
  *) die "unknown command '$command': start, stop, stop-keep, kill, ctl or install" ;;
esac
