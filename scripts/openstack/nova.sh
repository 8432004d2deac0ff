# shellcheck shell=bash
# Sourced by openstack.sh: Placement and Nova on top of a cloud.

NOVA_PACKAGES=(python3-nova python3-placement python3-libvirt libvirt-daemon libvirt-daemon-driver-qemu qemu-system-x86 qemu-utils rabbitmq-server)

nova_is_installed() {
  local package
  for package in "${NOVA_PACKAGES[@]}"; do installed "$package" || return 1; done
}
prepare_nova() { :; }
add_nova() { :; }
start_nova() { :; }
