#!/usr/bin/env bash
# Puts Debian's kernel where the conversion of container images to disks takes it from, as root: into
# /usr/local/lib/vice-kernel vmlinuz, release, and in modules/ those that it needs to reach disk and network, with what they need themselves.
# Not the cloud kernel: that one has neither AHCI nor e1000, by which a virtual machine of VMware or VirtualBox has its disk and network.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/debian-packages.sh"

TARGET=/usr/local/lib/vice-kernel
MODULES=(
  virtio_pci virtio_mmio virtio_blk virtio_scsi virtio_net virtio_balloon virtio-rng virtio_console
  sd_mod sr_mod ahci ata_piix ata_generic nvme mptspi mptsas vmw_pvscsi xen-blkfront hv_storvsc
  e1000 e1000e vmxnet3 pcnet32 8139cp 8139too xen-netfront hv_netvsc
  ext4 crc32c_generic crc32c-intel isofs vfat nls_ascii nls_cp437 nls_iso8859-1 nls_utf8
  af_packet button evdev
)

[ "$(id -u)" = 0 ] || die 'this needs root'
[ "${1-}" != --again ] && [ -e "$TARGET/modules/modules.dep" ] && exit 0
install_missing kmod xz-utils
APT=(-q)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

kernel_package() { apt-cache depends linux-image-amd64 | awk '$1 == "Depends:" { print $2; exit }'; }
package=$(kernel_package)
# the lists may be missing or old
if [ -z "$package" ] || ! download "$work" "$package"; then
  apt-get -q update >/dev/null || die 'apt-get update failed'
  package=$(kernel_package)
  download "$work" "$package" || die "could not download $package"
fi
dpkg-deb -x "$work"/*.deb "$work/root"
release=$(basename "$work"/root/lib/modules/*)

new=$TARGET.new
rm -rf "$new"
mkdir -p "$new"
depmod -b "$work/root" "$release"
for module in "${MODULES[@]}"; do
  modprobe -d "$work/root" -S "$release" --show-depends "$module"
done | awk '$1 == "insmod" { print $2 }' | sort -u | while read -r file; do
  install -Dm 644 "$file" "$new/root/lib/modules/$release/${file#"$work/root/lib/modules/$release/"}"
done
cp "$work/root/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$new/root/lib/modules/$release/"
# Debian 13 compresses them, and busybox may not read that
find "$new/root" -name '*.ko.xz' -exec unxz {} +
depmod -b "$new/root" "$release"
mv "$new/root/lib/modules/$release" "$new/modules"
rm -rf "$new/root" "$new"/modules/modules.*.bin "$new"/modules/modules.{order,builtin.modinfo,symbols,devname}
install -m 644 "$work/root/boot/vmlinuz-$release" "$new/vmlinuz"
echo "$release" >"$new/release"
rm -rf "$TARGET"
mv "$new" "$TARGET"
echo "Linux $release is in $TARGET"
