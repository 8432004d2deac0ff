# shellcheck shell=bash
# Sourced by openstack.sh: the state in which a cloud begins. Schemas, keys and accounts take a minute to make, so they are made once per machine,
# kept in $PEERS_CACHE and copied for each new cloud. Nova's are among them where its packages are installed.

# The state is as good as the packages and scripts that made it: its name has their versions in it.
state_folder() {
  local version
  version=$({
    dpkg-query -W -f '${Package} ${Version}\n' "${PACKAGES[@]}" "${NOVA_PACKAGES[@]}" 2>/dev/null || true
    cat "$PARTS"/{prepare,services,nova}.sh "$PARTS/accounts.py"
  } | sha256sum)
  echo "$PEERS_CACHE/openstack/${version:0:12}"
}

prepare_state() {
  local state package
  for package in "${PACKAGES[@]}"; do installed "$package" || die "$package is not installed: scripts/install-peers.sh installs it"; done
  state=$(state_folder)
  mkdir -p "$PEERS_CACHE/openstack"
  exec 9>"$PEERS_CACHE/openstack/lock"
  flock 9
  if [ ! -e "$state" ]; then
    rm -rf "$state.new"
    mkdir -p "$state.new"/{log,keystone}
    # its network is its own too, so that no port can be taken
    unshare --mount --pid --net --fork "$SELF" run-preparation "$state.new" >"$state.new/log/cloud.out" 2>&1 </dev/null ||
      die "the preparation failed: see $state.new/log"
    rm -rf "$state.new"/{log,pid,settings,glance,placement,nova}
    mv "$state.new" "$state"
    # of other versions of the packages and scripts, that nobody asks for any more
    find "$PEERS_CACHE/openstack" -mindepth 1 -maxdepth 1 -type d -mtime +7 -exec rm -rf {} +
  fi
  touch "$state"
  exec 9>&-
}

# copy_state DIR
copy_state() {
  cp -a --reflink=auto "$(state_folder)/." "$1"
  mkdir -p "$1/log"
}

run_preparation() {
  printf '%s\n' PORT=5000 TLS=0 GL_MODE=uwsgi IMAGE_SIZE_CAP=0 USER_QUOTA=0 TOKEN_TTL=3600 >"$1/settings"
  use "$1"
  begin_namespace "$DIR"
  ip link set lo up
  mariadb-install-db --no-defaults --user=root --auth-root-authentication-method=normal --skip-test-db --datadir="$DIR/db" \
    --innodb-log-file-size=16M
  start_mariadb
  local name jobs=() job
  for name in keystone glance placement nova nova_api nova_cell0; do sql "CREATE DATABASE $name CHARACTER SET utf8mb3"; done
  prepare_glance & jobs+=($!)
  if nova_is_installed; then prepare_nova & jobs+=($!); fi
  prepare_keystone
  for job in "${jobs[@]}"; do wait "$job"; done
  end_namespace
}

prepare_keystone() {
  local keystone=(keystone.cmd.manage --config-file "$DIR/keystone/keystone.conf")
  write_keystone_configuration
  manage "${keystone[@]}" db_sync
  manage "${keystone[@]}" fernet_setup --keystone-user root --keystone-group root
  manage "${keystone[@]}" credential_setup --keystone-user root --keystone-group root
  manage "${keystone[@]}" bootstrap --bootstrap-password admin-password --bootstrap-region-id RegionOne \
    --bootstrap-public-url "$KEYSTONE_URL" --bootstrap-internal-url "$KEYSTONE_URL" --bootstrap-admin-url "$KEYSTONE_URL"
  start_keystone
  until all_answer "$KEYSTONE_URL"; do sleep 0.1; done
  python3 "$PARTS/accounts.py" "$KEYSTONE_URL"
}

prepare_glance() {
  write_glance_configuration
  manage glance.cmd.manage --config-file "$DIR/glance/glance-api.conf" db sync
}
