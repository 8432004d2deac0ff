#!/usr/bin/env bash
# A real S3 API for a test: OpenStack Swift with its s3api middleware. Debian 12; nothing of the system is changed.
#
#   swift.sh start DIR PORT      S3 on 127.0.0.1:PORT, path style, region us-east-1 (2 s)
#   swift.sh stop-keep DIR       stops it; a later start on DIR finds its buckets again
#   swift.sh kill DIR            the same by SIGKILL
#   swift.sh stop DIR            stops it in whatever state it is, and removes DIR
#   swift.sh install             only downloads what it needs
#
# Access key `vice:vice`, secret `vice-secret`; `vice:reader`, `reader-secret` may do nothing. Account, container and object server and the cache are on
# PORT+1 to PORT+4. MAX_OBJECT_BYTES is the largest object that is put or copied at once (5 GiB).
# With OWNER=PID it is stopped and removed when that process ends. Swift keeps everything in extended attributes: where the filesystem of DIR has
# none, it gets one of its own, which needs root.
set -euo pipefail
SELF=$(readlink -f "$0")
. "${SELF%/*}/debian-packages.sh"

ROOT=$PEERS_CACHE/bookworm
# What Debian's OpenStack, which openstack.sh installs, brings along as well.
INSTALLED=(curl procps python3-cryptography python3-dnspython python3-eventlet python3-lxml python3-openssl python3-oslo.config python3-oslo.log
  python3-pastedeploy python3-requests python3-six util-linux e2fsprogs)
# Not installed: python3-swift refuses to be beside systemd.
UNPACKED=(python3-swift python3-pyeclib python3-xattr python3-netifaces liberasurecode1 memcached libevent-2.1-7 libsasl2-2)

unset PYTHONHOME VIRTUAL_ENV http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
export PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONPATH=$ROOT/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1
export LD_LIBRARY_PATH=$ROOT/usr/lib/x86_64-linux-gnu:$ROOT/usr/lib/aarch64-linux-gnu

install_packages() {
  install_missing "${INSTALLED[@]}"
  unpack bookworm "${UNPACKED[@]}"
}

has_attributes() {
  python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.vice", b"x" * 2000)' "$1" 2>/dev/null
}

write_server() {
  local dir=$1 name=$2 port=$3
  cat >"$dir/etc/$name.conf" <<END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
user = $(id -un)
swift_dir = $dir/etc
devices = $dir/devices
mount_check = false
workers = 0
log_udp_host = 127.0.0.1
log_udp_port = 9
fallocate_reserve = 0
disable_fallocate = true
conn_timeout = 10
container_update_timeout = 30
[pipeline:main]
pipeline = $name-server
[app:$name-server]
use = egg:swift#$name
fallocate_reserve = 0
END
}

write_configuration() {
  local dir=$1 port=$2 largest=${MAX_OBJECT_BYTES:-5368709122}
  mkdir -p "$dir"/{etc,log,devices/disk}
  cat >"$dir/etc/swift.conf" <<END
[swift-hash]
swift_hash_path_suffix = vice
[swift-constraints]
max_file_size = $largest
[storage-policy:0]
name = only
default = yes
END
  echo $((port + 4)) >"$dir/cache-port"
  write_server "$dir" account $((port + 1))
  write_server "$dir" container $((port + 2))
  write_server "$dir" object $((port + 3))
  cat >"$dir/etc/proxy.conf" <<END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
user = $(id -un)
swift_dir = $dir/etc
workers = 0
log_udp_host = 127.0.0.1
log_udp_port = 9
client_timeout = 60
[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth copy container-quotas bulk slo dlo proxy-server
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$((port + 4))
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_vice_vice = vice-secret .admin
user_vice_reader = reader-secret
[filter:copy]
use = egg:swift#copy
[filter:container-quotas]
use = egg:swift#container_quotas
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
[filter:dlo]
use = egg:swift#dlo
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
conn_timeout = 10
node_timeout = 60
# a server that was slow once, on a busy machine, is not passed over for a minute
error_suppression_interval = 0
END
}

# One device, one replica.
write_rings() {
  python3 - "$1" "$2" <<'END'
import sys
from swift.common import utils
utils.SWIFT_CONF_FILE = sys.argv[1] + '/etc/swift.conf'
from swift.common.ring import RingBuilder
folder, port = sys.argv[1], int(sys.argv[2])
for offset, name in enumerate(('account', 'container', 'object'), 1):
    builder = RingBuilder(4, 1, 0)
    builder.add_dev({'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': port + offset, 'replication_ip': '127.0.0.1',
                     'replication_port': port + offset, 'device': 'disk', 'weight': 1, 'meta': ''})
    builder.rebalance(seed=1)
    builder.get_ring().save('%s/etc/%s.ring.gz' % (folder, name))
END
}

# serve DIR NAME: what Debian's swift-NAME-server does, with the settings in DIR instead of /etc/swift.
serve() {
  exec python3 - "$1/etc" "$2" <<'END'
import sys
from swift.common import utils
folder, name = sys.argv[1:]
utils.SWIFT_CONF_FILE = folder + '/swift.conf'
from swift.common import constraints
constraints.reload_constraints()
from swift.common.wsgi import run_wsgi
sys.exit(run_wsgi('%s/%s.conf' % (folder, name), name + '-server', verbose=False))
END
}

# run DIR: the first process of its group; ends all when one of the servers ends.
run() {
  local dir=$1 name
  if [ -e "$dir/disk.img" ]; then mount -o loop,user_xattr "$dir/disk.img" "$dir/devices/disk"; fi
  trap 'exit 0' TERM
  # first: a proxy that has found no cache looks for it again only after a minute
  "$ROOT/usr/bin/memcached" -l 127.0.0.1 -p "$(cat "$dir/cache-port")" -u "$(id -un)" -m 16 >>"$dir/log/cache.out" 2>&1 </dev/null &
  for name in account container object proxy; do
    serve "$dir" "$name" >>"$dir/log/$name.out" 2>&1 &
  done
  wait -n || true
}

# Each server leaves the process group for one of its own: it is found by its command line, which is this folder's alone.
servers() { pgrep -f "^python3 - $1/etc (account|container|object|proxy)\$" || true; }

end_leftovers() {
  local pid
  for pid in $(servers "$1"); do stop_process "$pid" 5; done
  if [ -s "$1/pid" ]; then stop_process "-$(cat "$1/pid")" 10; fi
  rm -f "$1/pid"
}

start() {
  local dir=$1 port=$2 pid apart=()
  if ! [[ $port =~ ^[0-9]+$ ]] || ((port > 65531)); then die "'$port' is no port up to 65531"; fi
  [ -e "$ROOT/.unpacked/libsasl2-2" ] || install_packages
  end_leftovers "$dir"
  # Swift would share the port with whoever has it
  if listens "$port"; then die "something listens on port $port already"; fi
  write_configuration "$dir" "$port"
  write_rings "$dir" "$port"
  if [ -e "$dir/disk.img" ] || ! has_attributes "$dir/devices/disk"; then
    [ "$(id -u)" = 0 ] || die "the filesystem of $dir has no extended attributes: without root, choose another folder"
    [ -e "$dir/disk.img" ] || { truncate -s 32G "$dir/disk.img" && mkfs.ext4 -q -I 512 "$dir/disk.img"; }
    apart=(unshare --mount)
  fi
  stop_with_owner "$dir"
  setsid "${apart[@]}" "$SELF" run "$dir" >"$dir/log/out" 2>&1 </dev/null &
  pid=$!
  echo "$pid" >"$dir/pid"
  for _ in $(seq 300); do
    if answer "$port"; then exit 0; fi
    alive "$pid" || break
    sleep 0.1
  done
  tail -n 5 "$dir"/log/*out >&2
  die "Swift did not start: see $dir/log"
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

answer() {
  local port
  for port in 0 1 2 3; do
    curl -s -o /dev/null --noproxy '*' --max-time 2 "http://127.0.0.1:$(($1 + port))/" || return 1
  done
  listens $(($1 + 4))
}

command=${1-} dir=${2-}
[ -n "$dir" ] || [ "$command" = install ] || die 'which folder? usage: swift.sh start|stop-keep|kill|stop DIR [PORT]'
[ -z "$dir" ] || dir=$(readlink -m "$dir")
case $command in
  start) start "$dir" "${3-}" ;;
  run) run "$dir" ;;
  stop-keep) end_leftovers "$dir" ;;
  kill)
    # shellcheck disable=SC2046 # several numbers
    kill -KILL $(servers "$dir") 2>/dev/null || true
    end_leftovers "$dir"
    ;;
  stop) end_leftovers "$dir" && rm -rf "$dir" ;;
  install) install_packages ;;
  *) die "unknown command '$command': start, stop-keep, kill, stop or install" ;;
esac
