#!/usr/bin/env bash
# A real OpenStack for a test, beside whatever the machine runs. Debian 12, as root; nothing of the system is changed.
#
#   openstack.sh start DIR PORT     Keystone on 127.0.0.1:PORT, Glance on PORT+1 (2 s; the first time on a machine 20 s more)
#   openstack.sh nova DIR           adds Placement and Nova with libvirt and QEMU, which boot real guests and make real snapshots (20 s)
#   openstack.sh stop-keep DIR      stops it; a later start on DIR finds its images again, and Nova where it was added
#   openstack.sh kill DIR           the same by SIGKILL: the cloud vanishes
#   openstack.sh stop DIR           stops it in whatever state it is, and removes DIR
#   openstack.sh install [--nova]   installs Debian's packages, starts no daemon, and prepares what each start copies
#
# Projects `vice` and `other`, each with a user of its name; domain Default, region RegionOne; the administrator is admin in project admin.
# Every password is the user's name and `-password`. Settings are taken from the environment at each start:
#
#   IMAGE_SIZE_CAP  bytes of the largest image (4 GiB)      USER_QUOTA  bytes that a user's images may take (0 = any)
#   TOKEN_TTL       seconds (3600)                          TLS         1 = Keystone and Glance by https; the CA is DIR/ca.pem
#   GL_MODE         uwsgi (Debian's way: a connection for each request) or eventlet (connections are kept, no TLS)
#
# Placement is on PORT+2, Nova on PORT+3, what stands in for Neutron on PORT+4, RabbitMQ on PORT+5, +1005, +10005, +10025 and +20005; so PORT ends
# at 45530. Several clouds run side by side. Each is a process and mount namespace of its own: when its first process ends, nothing of it is left.
# DIR must be short: a socket's path ends at 108 bytes. With OWNER=PID the cloud is stopped and removed when that process ends.
set -euo pipefail
SELF=$(readlink -f "$0")
PARTS=${SELF%.sh}
. "${SELF%/*}/debian-packages.sh"
. "$PARTS/services.sh"
. "$PARTS/nova.sh"
. "$PARTS/prepare.sh"

# Debian's Python, without what else the caller's environment brings along
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

install_packages() {
  local packages=("${PACKAGES[@]}")
  [ "${1-}" != --nova ] || packages+=("${NOVA_PACKAGES[@]}")
  without_daemons install_missing "${packages[@]}"
  prepare_state
}

# use DIR: sets DIR, and what its cloud was started with.
use() {
  DIR=$1
  # shellcheck disable=SC1091 # written by start
  . "$DIR/settings"
  SCHEME=$([ "$TLS" = 1 ] && echo https || echo http)
  KEYSTONE_URL=$SCHEME://127.0.0.1:$PORT/v3
  GLANCE_URL=$SCHEME://127.0.0.1:$((PORT + 1))
}

start() {
  local dir=$1 port=$2 pid
  [ "$(id -u)" = 0 ] || die 'an OpenStack of its own needs root'
  if ! [[ $port =~ ^[0-9]+$ ]] || ((port > 45530)); then die "'$port' is no port up to 45530"; fi
  [ ${#dir} -le 60 ] || die "$dir is too long for a socket path"
  case ${GL_MODE:=uwsgi} in uwsgi | eventlet) ;; *) die "unknown GL_MODE $GL_MODE: uwsgi or eventlet" ;; esac
  [ "$GL_MODE:${TLS:=0}" != eventlet:1 ] || die 'TLS=1 needs GL_MODE=uwsgi'
  end_cloud KILL "$dir"
  prepare_state
  mkdir -p "$dir"
  chmod 700 "$dir"
  [ -d "$dir/db" ] || copy_state "$dir"
  printf '%s\n' "PORT=$port" "GL_MODE=$GL_MODE" "TLS=$TLS" "IMAGE_SIZE_CAP=$((${IMAGE_SIZE_CAP:-4294967296}))" \
    "USER_QUOTA=$((${USER_QUOTA:-0}))" "TOKEN_TTL=$((${TOKEN_TTL:-3600}))" >"$dir/settings"
  use "$dir"
  stop_with_owner "$dir"
  setsid unshare --mount --pid --fork "$SELF" run "$dir" >"$dir/log/cloud.out" 2>&1 </dev/null &
  pid=$!
  wait_until_up "$pid" "$KEYSTONE_URL" "$GLANCE_URL/versions"
  if [ -d "$dir/nova" ]; then add_nova "$dir"; fi
}

# wait_until_up PID URL…: until all of them answer; the cloud ends when one of its services does.
wait_until_up() {
  local pid=$1 tenths=1200
  shift
  until all_answer "$@"; do
    if ((tenths-- == 0)) || ! alive "$pid"; then
      tail -n 5 "$DIR"/log/*.out >&2
      end_cloud KILL "$DIR"
      die "the cloud did not start: see $DIR/log"
    fi
    sleep 0.1
  done
}

# run DIR: the first process of the cloud's namespaces. Ends when it is told to, or when a service has ended.
run() {
  use "$1"
  begin_namespace "$DIR"
  start_mariadb
  publish_endpoints
  start_keystone
  start_glance
  wait -n || true
}

# Takes the namespaces into possession. Where /proc still is the outer one, it tells this process's number out there.
begin_namespace() {
  local pid
  trap 'end_namespace; exit' TERM
  read -r pid _ </proc/self/stat
  echo "$pid" >"$1/pid"
  cd /
  mount -t proc proc /proc
  mount -t tmpfs tmpfs /run
}

# Asks all the others to end, and waits for that; who still runs after 10 s ends with this process.
end_namespace() {
  local tenths=100 processes
  kill -TERM -1 2>/dev/null || true
  for (( ; tenths > 0; tenths--)); do
    processes=(/proc/[0-9]*)
    [ ${#processes[@]} -gt 1 ] || break
    sleep 0.1
  done
}

# first_process DIR: the number of its cloud's first process, where that runs.
first_process() {
  local pid
  pid=$(cat "$1/pid" 2>/dev/null) || return 1
  # the number may be another's by now
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF " run $1 " && echo "$pid"
}

# inside DIR COMMAND…: runs it in the cloud's namespaces.
inside() {
  local pid
  pid=$(first_process "$1") || die "no cloud runs on $1"
  nsenter --target "$pid" --pid --mount --root --wd -- "${@:2}"
}

# end_cloud TERM|KILL DIR
end_cloud() {
  local pid
  pid=$(first_process "$2") || return 0
  kill "-$1" "$pid"
  while alive "$pid"; do sleep 0.05; done
}

command=${1-} dir=${2-}
[ -n "$dir" ] || [ "$command" = install ] || die 'which folder? usage: openstack.sh start|nova|stop-keep|kill|stop DIR [PORT]'
[ -z "$dir" ] || [ "$command" = install ] || dir=$(readlink -m "$dir")
case $command in
  install) install_packages "$dir" ;;
  start) start "$dir" "${3-}" ;;
  nova) add_nova "$dir" ;;
  stop-keep) end_cloud TERM "$dir" ;;
  kill) end_cloud KILL "$dir" ;;
  stop) end_cloud KILL "$dir" && rm -rf "$dir" ;;
  run) run "$dir" ;;
  run-nova) use "$dir" && start_nova ;;
  run-preparation) run_preparation "$dir" ;;
  *) die "unknown command '$command': start, nova, stop-keep, kill, stop or install" ;;
esac
