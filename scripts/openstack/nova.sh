# shellcheck shell=bash
# Sourced by openstack.sh: Placement and Nova on top of a cloud, with a RabbitMQ and a libvirt of their own. Their guests have no network: a stub
# answers the few questions that Nova has for Neutron.

# Of libvirt only the parts, not libvirt-daemon-system, which makes it a service of the machine.
NOVA_PACKAGES=(python3-nova python3-placement python3-libvirt libvirt-daemon libvirt-daemon-driver-qemu qemu-system-x86 qemu-utils rabbitmq-server)

nova_is_installed() {
  local package
  for package in "${NOVA_PACKAGES[@]}"; do installed "$package" || return 1; done
}

add_nova() {
  nova_is_installed || die 'Nova is not installed: scripts/install-peers.sh installs it'
  [ -e "$1/db/nova_api/flavors.ibd" ] || die "the cloud on $1 began before Nova was installed: start another"
  inside "$1" "$SELF" run-nova "$1"
}

prepare_nova() {
  local nova=(nova.cmd.manage --config-file "$DIR/nova/nova.conf")
  write_placement_configuration
  write_nova_configuration
  manage placement.cmd.manage --config-dir "$DIR/placement" db sync
  manage "${nova[@]}" api_db sync
  manage "${nova[@]}" cell_v2 map_cell0 --database_connection "$(database nova_cell0)"
  manage "${nova[@]}" db sync
  manage "${nova[@]}" cell_v2 create_cell --name cell1
  # what `discover_hosts` would find, and a size for guests
  sql "INSERT INTO nova_api.host_mappings (created_at, cell_id, host) SELECT utc_timestamp(), id, 'local' FROM nova_api.cell_mappings WHERE name = 'cell1';
    INSERT INTO nova_api.flavors (created_at, name, flavorid, memory_mb, vcpus, root_gb, ephemeral_gb, swap, rxtx_factor, disabled, is_public)
      VALUES (utc_timestamp(), 'tiny', 'tiny', 128, 1, 1, 0, 0, 1, 0, 1)"
}

# Runs inside the cloud's namespaces, and returns when a guest can be booted.
start_nova() {
  local began rabbitmq service
  began=$(sql 'SELECT utc_timestamp()')
  write_placement_configuration
  write_nova_configuration
  start_rabbitmq &
  rabbitmq=$!
  publish_endpoints --nova
  sql "UPDATE nova_api.cell_mappings SET transport_url = '$(rabbitmq_url)', database_connection = '$(database nova)' WHERE name = 'cell1';
    UPDATE nova_api.cell_mappings SET database_connection = '$(database nova_cell0)' WHERE name = 'cell0'"
  start_libvirt
  spawn neutron python3 "$PARTS/neutron_stub.py" $((PORT + 4))
  OS_PLACEMENT_CONFIG_DIR=$DIR/placement serve placement http $((PORT + 2)) 'placement.wsgi:init_application()'
  # its green threads bear neither threads nor a fork beside them
  OS_NOVA_CONFIG_DIR=$DIR/nova serve nova-api http $((PORT + 3)) 'nova.api.openstack.compute.wsgi:init_application()' --lazy-apps --threads 1
  wait "$rabbitmq" || die "RabbitMQ did not start: see $DIR/rabbitmq/log"
  for service in conductor scheduler compute; do
    spawn "nova-$service" python3 -c "import sys; sys.argv[0] = 'nova-$service'; from nova.cmd.$service import main; main()" \
      --config-file "$DIR/nova/nova.conf" --log-file "$DIR/log/nova-$service.log"
  done
  wait_until_nova_is_up "$began"
}

# wait_until_nova_is_up TIME: until all of its services have reported since then, and Placement knows what there is.
wait_until_nova_is_up() {
  local tenths=1200 running
  running=$(jobs -pr | wc -l)
  until all_answer "http://127.0.0.1:$((PORT + 2))" "http://127.0.0.1:$((PORT + 3))" && [ "$(sql "SELECT count(DISTINCT \`binary\`) FROM nova.services
      WHERE last_seen_up >= '$1' AND \`binary\` IN ('nova-conductor', 'nova-scheduler', 'nova-compute')
      AND EXISTS (SELECT 1 FROM placement.inventories)")" = 3 ]; do
    if ((tenths-- == 0)) || [ "$(jobs -pr | wc -l)" != "$running" ]; then
      tail -n 5 "$DIR"/log/{nova-{conductor,scheduler,compute}.log,nova-api.out,placement.out,libvirt.out} >&2 || true
      die "Nova did not start: see $DIR/log"
    fi
    sleep 0.1
  done
}

rabbitmq_url() { echo "rabbit://guest:guest@127.0.0.1:$((PORT + 5))/"; }

# Nova needs nothing of what the queues held before.
start_rabbitmq() {
  rm -rf "$DIR/rabbitmq"
  env -u OWNER "${SELF%/*}/rabbitmq.sh" start "$DIR/rabbitmq" $((PORT + 5)) 3
}

# Its folders are always the same: here they are the cloud's, mounted over empty ones. /run is the namespaces' own already. It also asks for a user
# that only its service's package makes, and that then runs nothing.
start_libvirt() {
  local folder file
  for folder in etc var/lib var/cache var/log; do
    mkdir -p "$DIR/libvirt/$folder" "/$folder/libvirt"
    mountpoint -q "/$folder/libvirt" || mount --bind "$DIR/libvirt/$folder" "/$folder/libvirt"
  done
  for file in passwd group; do
    { grep -v ^libvirt-qemu: "/etc/$file"; printf 'libvirt-qemu:x:64055:%s\n' "$([ $file = group ] || echo '64055::/:/usr/sbin/nologin')"; } >"$DIR/libvirt/$file"
    mount --bind "$DIR/libvirt/$file" "/etc/$file"
  done
  cat >/etc/libvirt/qemu.conf <<'LINES'
user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
LINES
  printf '%s\n' 'unix_sock_group = "root"' 'auth_unix_rw = "none"' 'auth_unix_ro = "none"' >/etc/libvirt/libvirtd.conf
  spawn libvirt libvirtd
}

write_placement_configuration() {
  mkdir -p "$DIR/placement"
  cat >"$DIR/placement/placement.conf" <<LINES
[DEFAULT]
log_file = $DIR/log/placement.log
[placement_database]
connection = $(database placement)
[keystone_authtoken]
$(login nova)
LINES
}

write_nova_configuration() {
  mkdir -p "$DIR"/nova/{instances,state,lock}
  cp "$PARTS/nova-api-paste.ini" "$DIR/nova/api-paste.ini"
  cat >"$DIR/nova/nova.conf" <<LINES
[DEFAULT]
my_ip = 127.0.0.1
host = local
log_dir = $DIR/log
state_path = $DIR/nova/state
instances_path = $DIR/nova/instances
transport_url = $(rabbitmq_url)
compute_driver = libvirt.LibvirtDriver
report_interval = 2
reserved_host_memory_mb = 0
reserved_host_disk_mb = 0
[api_database]
connection = $(database nova_api)
[database]
connection = $(database nova)
[wsgi]
api_paste_config = $DIR/nova/api-paste.ini
[keystone_authtoken]
www_authenticate_uri = $KEYSTONE_URL
$(login nova)
[service_user]
send_service_user_token = true
$(login nova)
[placement]
$(login nova)
[neutron]
$(login nova)
[glance]
region_name = RegionOne
cafile = $(ca_file)
[cinder]
auth_type = none
[libvirt]
# emulated: KVM within a virtual machine is not to be relied on
virt_type = qemu
cpu_mode = none
images_type = qcow2
[vnc]
enabled = false
[conductor]
workers = 1
[scheduler]
workers = 1
[oslo_concurrency]
lock_path = $DIR/nova/lock
[nova_sys_admin]
helper_command = privsep-helper --config-file $DIR/nova/nova.conf
LINES
}
