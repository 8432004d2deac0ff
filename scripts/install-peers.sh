#!/usr/bin/env bash
# Puts onto a Debian 12 machine what the tests need besides Node, as root. What is there already is left alone: run it as often as you like.
#
#   install-peers.sh           PostgreSQL on 127.0.0.1:5432 and RabbitMQ on 127.0.0.1:5672, running; what docker-engine.sh, rabbitmq.sh,
#                              openstack.sh, swift.sh and prometheus.sh start; what conversions need (install-tools.sh); kustomize, Docker Compose
#                              (compose.sh), and what stands in for the images of a registry (container-images.sh)
#   install-peers.sh --bench   besides, docker-registry, the peer of the benchmark, in $VICE_PEERS_CACHE/bookworm/usr/bin
#
# The tests use PostgreSQL as the role root, without a password. On a server that this script has installed, or on CI, it makes that role and lets it
# in from 127.0.0.1; elsewhere it says what to do.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/debian-packages.sh"

PACKAGES=(ca-certificates curl debootstrap iproute2 mount ovmf postgresql procps qemu-system-x86 qemu-utils rabbitmq-server rsync util-linux)
DATABASE_URL_OF_TESTS=${TEST_DATABASE_URL:-postgres://root@127.0.0.1:5432/postgres}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

database_answers() { psql "$DATABASE_URL_OF_TESTS" -qtAc 'SELECT 1' >/dev/null 2>&1; }

start_postgres() {
  local may_change=$1 version cluster
  if ! listens 5432; then
    read -r version cluster _ < <(pg_lsclusters --no-header | awk '$3 == 5432') || die 'no PostgreSQL cluster has port 5432: see pg_lsclusters'
    echo "starting PostgreSQL $version"
    pg_ctlcluster "$version" "$cluster" start
  fi
  database_answers && return
  $may_change || die "$DATABASE_URL_OF_TESTS cannot be reached: make the role (createuser --superuser root) and let it in from 127.0.0.1 (pg_hba.conf), or set TEST_DATABASE_URL"
  let_root_in
  for _ in $(seq 50); do
    if database_answers; then return; fi
    sleep 0.1
  done
  die "$DATABASE_URL_OF_TESTS cannot be reached: $(psql "$DATABASE_URL_OF_TESTS" -qtAc 'SELECT 1' 2>&1)"
}

let_root_in() {
  local hba line='host all root 127.0.0.1/32 trust'
  as_postgres "SELECT 1 FROM pg_roles WHERE rolname = 'root'" | grep -q 1 || as_postgres 'CREATE ROLE root SUPERUSER LOGIN'
  hba=$(as_postgres 'SHOW hba_file')
  # the first line that fits counts
  grep -qxF "$line" "$hba" || sed -i "1i $line" "$hba"
  as_postgres 'SELECT pg_reload_conf()' >/dev/null
}

as_postgres() { (cd / && runuser -u postgres -- psql -p 5432 -d postgres -qtAc "$1" </dev/null); }

# Not as the system's service: on a machine without an init it would not start, and the script starts it everywhere alike.
start_rabbitmq() {
  if listens 5672; then return; fi
  echo 'starting RabbitMQ'
  "$(dirname "$(readlink -f "$0")")/rabbitmq.sh" start /var/lib/vice-rabbitmq 5672 3
}

[ "$(id -u)" = 0 ] || die 'this needs root'
[ -e /etc/debian_version ] || die 'this needs Debian'
may_change=false
if [ "${CI-}" = true ] || ! installed postgresql; then may_change=true; fi
install_missing "${PACKAGES[@]}"
"$(dirname "$(readlink -f "$0")")/install-tools.sh"
start_postgres $may_change
start_rabbitmq
"$(dirname "$(readlink -f "$0")")/docker-engine.sh" install
"$(dirname "$(readlink -f "$0")")/compose.sh" version
"$(dirname "$(readlink -f "$0")")/container-images.sh" install
"$(dirname "$(readlink -f "$0")")/rabbitmq.sh" install
"$(dirname "$(readlink -f "$0")")/openstack.sh" install --nova
"$(dirname "$(readlink -f "$0")")/swift.sh" install
"$(dirname "$(readlink -f "$0")")/prometheus.sh" install
# builds the manifests of k8s/
unpack trixie kustomize
[ "${1-}" != --bench ] || unpack bookworm docker-registry
echo "PostgreSQL, RabbitMQ, Docker engines and OpenStack are ready for the tests, after $SECONDS s"
