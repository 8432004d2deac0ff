# shellcheck shell=bash
# Sourced by the other scripts: Debian packages unpacked into folders of their own, so that nothing of the system changes.
# Several scripts may run at once; whoever comes second waits, and finds the work done.

PEERS_CACHE=${VICE_PEERS_CACHE:-/var/cache/vice-peers}

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# install_missing PACKAGE…: onto the system itself.
install_missing() {
  local package missing=() said tries=300
  for package in "$@"; do installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || die 'to install packages needs root'
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # another apt may be at work, and update does not wait for it
  until said=$(apt-get -q update 2>&1); do
    if [[ $said != *'get lock'* ]] || ((tries-- == 0)); then die "apt-get update failed: $said"; fi
    sleep 2
  done
  apt-get -q -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# without_daemons COMMAND…: what packages bring along does not start while it runs.
without_daemons() {
  local policy=/usr/sbin/policy-rc.d status=0
  if [ -e "$policy" ]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  "$@" || status=$?
  rm -f "$policy"
  return $status
}

# debian_mirror: the mirror that this machine's apt uses for Debian's main archive.
debian_mirror() {
  local mirror
  # shellcheck disable=SC2016 # for apt
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' 2>/dev/null | head -n 1)
  echo "${mirror:-http://deb.debian.org/debian}"
}

# apt_options RELEASE: sets the array APT so that apt-get looks into that release; bookworm is what the system has itself.
apt_options() {
  local release=$1 folder=$PEERS_CACHE/apt/$1
  APT=(-q)
  [ "$release" = bookworm ] && return
  mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror) $release main" >"$folder/sources.list"
  APT+=(-o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder/cache")
}

# unpack RELEASE PACKAGE…: the packages' files are then in $PEERS_CACHE/RELEASE.
unpack() {
  local release=$1 root=$PEERS_CACHE/$1 package missing=() fetched
  shift
  mkdir -p "$root/.unpacked"
  exec 9>"$root/.lock"
  flock 9
  for package in "$@"; do [ -e "$root/.unpacked/$package" ] || missing+=("$package"); done
  if [ ${#missing[@]} -gt 0 ]; then
    apt_options "$release"
    fetched=$(mktemp -d)
    chmod 755 "$fetched"
    # the lists may be missing or old: then a second try with new ones
    if ! download "$fetched" "${missing[@]}"; then
      apt-get "${APT[@]}" update >/dev/null || die "apt-get update failed for Debian $release"
      download "$fetched" "${missing[@]}" || die "could not download ${missing[*]} of Debian $release"
    fi
    for package in "$fetched"/*.deb; do dpkg-deb -x "$package" "$root"; done
    for package in "${missing[@]}"; do touch "$root/.unpacked/$package"; done
    rm -rf "$fetched"
  fi
  exec 9>&-
}

download() {
  local into=$1
  shift
  (cd "$into" && apt-get "${APT[@]}" -o APT::Sandbox::User=root download "$@" >/dev/null 2>&1)
}

# stop_process PID SECONDS: asks it to end, then makes it. With -PID it is a whole process group.
stop_process() {
  local pid=$1 tenths=$(($2 * 10))
  kill -TERM -- "$pid" 2>/dev/null || return 0
  while ((tenths-- > 0)) && alive "$pid"; do sleep 0.1; done
  kill -KILL -- "$pid" 2>/dev/null || true
}

# alive PID or -PID: a zombie has ended, its parent is just in no hurry to hear of it.
alive() {
  case $1 in
    -*) ps -eo pgid=,stat= | awk -v group="${1#-}" '$1 == group && $2 !~ /^Z/ { found = 1 } END { exit !found }' ;;
    *) ps -o stat= -p "$1" | grep -q '^[^Z]' ;;
  esac
}

# stop_with_owner DIR: where OWNER names a process, the service on DIR is stopped and removed when that process ends, however it does.
stop_with_owner() {
  [ -n "${OWNER-}" ] && [ ! -e "$1/owner" ] || return 0
  echo "$OWNER" >"$1/owner"
  # shellcheck disable=SC2016 # for the inner shell
  setsid bash -c 'while [ -e "$2" ] && kill -0 "$1" 2>/dev/null; do sleep 1; done; [ ! -e "$2" ] || exec "$3" stop "$2"' \
    owner "$OWNER" "$1" "$(readlink -f "$0")" >/dev/null 2>&1 </dev/null &
}
