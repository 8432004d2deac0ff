#!/usr/bin/env bash
# Docker Compose 2.26 of Debian 13, on Debian 12 too; nothing of the system is changed. It is kept in VICE_PEERS_CACHE (/var/cache/vice-peers).
#
#   compose.sh ARGUMENT…     as `docker compose ARGUMENT…`, e.g. compose.sh config --quiet
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/debian-packages.sh"

unpack trixie docker-compose
exec "$PEERS_CACHE/trixie/usr/libexec/docker/cli-plugins/docker-compose" "$@"
