#!/usr/bin/env bash
# A real Docker Engine for a test, beside whatever the machine runs. Debian 12, as root; nothing of the system is changed.
#
#   docker-engine.sh start DIR [20|26|26c]   20 = 20.10 of Debian 12 (the default)
#                                            26 = 26.1 of Debian 13
#                                            26c = 26.1 with the containerd image store, as new installations have it
#   docker-engine.sh stop-keep DIR           stops it; a later start on DIR finds its images again
#   docker-engine.sh kill DIR                the same by SIGKILL: the engine vanishes
#   docker-engine.sh stop DIR                stops it in whatever state it is, and removes DIR
#   docker-engine.sh install                 only downloads what the engines need
#
# It listens on DIR/docker.sock, and on what DOCKERD_ARGS adds (e.g. DOCKERD_ARGS='-H tcp://127.0.0.1:23751'). DIR must be short: a socket's
# path ends at 104 bytes. With OWNER=PID it is stopped and removed when that process ends. The packages are kept in VICE_PEERS_CACHE (/var/cache/vice-peers). There is no network in its containers but `none` and `host`.
# With NETWORKS=1 networks can be made, in which containers reach each other by name and are reached by published ports, but reach nothing outside.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/debian-packages.sh"

IPTABLES=$PEERS_CACHE/bookworm/iptables-for-engines

install_packages() {
  [ "$(id -u)" = 0 ] || die 'a Docker Engine needs root'
  unpack bookworm docker.io containerd runc tini busybox-static
  install_iptables
  [ "$1" = 20 ] && return
  unpack trixie docker.io containerd
  # Debian 13's engine runs on Debian 12, its runc does not (glibc 2.38): Debian 12's serves both
  rm -f "$PEERS_CACHE/trixie/usr/bin/runc"
}

# The engine calls iptables in each container with a network, to lead its questions for names to the engine.
install_iptables() {
  local name libraries=$PEERS_CACHE/bookworm/usr/lib/x86_64-linux-gnu
  unpack bookworm iptables libip4tc2 libip6tc2 libmnl0 libnetfilter-conntrack3 libnfnetlink0 libnftnl11 libxtables12
  mkdir -p "$IPTABLES"
  for name in iptables ip6tables; do
    cat >"$IPTABLES/.$name.$$" <<END
#!/bin/sh
export LD_LIBRARY_PATH=$libraries XTABLES_LIBDIR=$libraries/xtables
exec $PEERS_CACHE/bookworm/usr/sbin/xtables-nft-multi $name "\$@"
END
    chmod +x "$IPTABLES/.$name.$$"
    mv "$IPTABLES/.$name.$$" "$IPTABLES/$name"
  done
}

start() {
  local dir=$1 version=$2 path=$PEERS_CACHE/bookworm/usr/bin:$PEERS_CACHE/bookworm/usr/sbin snapshotter=false pid
  case $version in 20 | 26 | 26c) ;; *) die "unknown version $version: 20, 26 or 26c" ;; esac
  [ ${#dir} -le 60 ] || die "$dir is too long for a socket path"
  install_packages "$version"
  [ "$version" = 20 ] || path=$PEERS_CACHE/trixie/usr/bin:$PEERS_CACHE/trixie/usr/sbin:$path
  [ "$version" = 26c ] && snapshotter=true
  [ "${NETWORKS-}" != 1 ] || path=$IPTABLES:$path
  mkdir -p "$dir"
  clean_up_after_kill "$dir"
  stop_with_owner "$dir"
  if [ "$version" = 20 ]; then echo '{}'; else echo "{\"features\":{\"containerd-snapshotter\":$snapshotter}}"; fi >"$dir/daemon.json"
  # shellcheck disable=SC2086 # DOCKERD_ARGS is a list of words
  PATH=$path:$PATH setsid dockerd --config-file "$dir/daemon.json" --data-root "$dir/data" --exec-root "$dir/x" \
    --pidfile "$dir/docker.pid" -H "unix://$dir/docker.sock" --iptables=false --ip6tables=false --bridge=none --ip-forward=false \
    ${DOCKERD_ARGS-} >>"$dir/log" 2>&1 </dev/null &
  pid=$!
  for _ in $(seq 300); do
    if curl -sf --noproxy '*' --max-time 2 --unix-socket "$dir/docker.sock" http://engine/_ping >/dev/null; then exit 0; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 5 "$dir/log" >&2
  die "the engine did not start: see $dir/log"
}

# What a killed engine leaves: its containerd, shims of containers, mounts. All of them name DIR.
clean_up_after_kill() {
  local dir=$1 pid mount
  for pid in $(processes_of "$dir"); do stop_process "$pid" 5; done
  { grep -F " $dir/" /proc/self/mounts || true; } | cut -d' ' -f2 | sort -r | while read -r mount; do umount -l "$mount" 2>/dev/null || true; done
  rm -rf "$dir/docker.pid" "$dir/x/containerd"
}

# The containerd and shims of an engine on DIR: those with an argument that is a path of its exec root.
processes_of() {
  { grep -lzE "^(--config=|-?-?address=)?$1/x/" /proc/[0-9]*/cmdline 2>/dev/null || true; } | cut -d/ -f3
}

stop_engine() {
  local dir=$1
  if [ -s "$dir/docker.pid" ]; then stop_process "$(cat "$dir/docker.pid")" 20; fi
  clean_up_after_kill "$dir"
}

kill_engine() {
  local dir=$1 pid
  if [ -s "$dir/docker.pid" ]; then kill -KILL "$(cat "$dir/docker.pid")" 2>/dev/null || true; fi
  for pid in $(processes_of "$dir"); do kill -KILL "$pid" 2>/dev/null || true; done
}

command=${1-} dir=${2-}
[ -n "$dir" ] || [ "$command" = install ] || die 'which folder? usage: docker-engine.sh start|stop|stop-keep|kill DIR [20|26|26c]'
[ -z "$dir" ] || dir=$(readlink -m "$dir")
case $command in
  start) start "$dir" "${3:-20}" ;;
  stop-keep) stop_engine "$dir" ;;
  kill) kill_engine "$dir" ;;
  stop) stop_engine "$dir" && rm -rf "$dir" ;;
  install) install_packages 26 ;;
  *) die "unknown command '$command': start, stop, stop-keep, kill or install" ;;
esac
