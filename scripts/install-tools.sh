#!/usr/bin/env bash
# Puts onto a Debian 12 or 13 machine all that the store worker needs to convert images, as root: qemu-img, what makes a bootable disk of a
# container image, Debian's kernel for such disks (guest-kernel.sh; it is not installed as this machine's own), and bubblewrap, the sandbox
# that all of it runs in. What is there already is left alone: run it as often as you like.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/debian-packages.sh"

PACKAGES=(
  bubblewrap qemu-utils
  attr busybox-static dosfstools e2fsprogs fakeroot fdisk gosu kmod mtools syslinux syslinux-common systemd-boot-efi tar util-linux
)

[ "$(id -u)" = 0 ] || die 'this needs root'
[ -e /etc/debian_version ] || die 'this needs Debian'
install_missing "${PACKAGES[@]}"
"$here/guest-kernel.sh"
echo "all that conversions need is here, after $SECONDS s"
