import { RECORD_FOLDER } from '../container-record.js';

const HOME = `/${RECORD_FOLDER}`;

/** Begins every script that runs in the guest: nothing of the image itself is needed, not even a shell. */
const SHELL = `#!${HOME}/bin/busybox sh`;

/**
 * First process of the initial RAM filesystem: finds the root by its UUID, whatever bus it is on, and goes over to it. Devices show up when the
 * drivers of their buses are there, hence the rounds.
 */
export const INITRAMFS_INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
load_drivers() { find /sys/devices -name modalias -exec cat {} + | sort -u | xargs modprobe -a -q; }
for word in $(cat /proc/cmdline); do
  case $word in root=*) root=\${word#root=} ;; esac
done
modprobe -a -q crc32c_generic ext4 af_packet virtio_pci sd_mod
rounds=0
until device=$(findfs "$root" 2>/dev/null) && [ -n "$device" ]; do
  rounds=$((rounds + 1))
  if [ $rounds -gt 150 ]; then
    echo "vice: no disk has the root filesystem $root"
    sleep 5
    poweroff -f
  fi
  load_drivers 2>/dev/null
  sleep 0.1
done
load_drivers 2>/dev/null
mount -t ext4 -o rw "$device" /root
cd /root
mkdir -p proc sys dev
# Without /proc the shell does not find its own commands any more.
for folder in sys dev proc; do /bin/busybox mount --move /$folder /root/$folder; done
exec /bin/busybox switch_root /root ${HOME}/bin/busybox sh ${HOME}/init
`;

/**
 * First process of the guest: what a container engine does around a container. Where the image has files in /tmp or /run they stay, as in a
 * container. The container writes into a pipe, as without a terminal; it reads nothing, or the console where its image asks for that.
 */
export const GUEST_INIT = `${SHELL}
umask 022
say() { echo "vice: $*" >/dev/console; }
. ${HOME}/settings
mkdir -p /dev/pts /dev/shm /dev/mqueue ${HOME}/run /etc
mount -t devpts -o nosuid,noexec,gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /dev/shm
mount -t mqueue mqueue /dev/mqueue 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs ${HOME}/run
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
[ -e /tmp ] || mkdir -m 1777 /tmp 2>/dev/null
[ -e /run ] || mkdir /run 2>/dev/null
for folder in /tmp /run; do
  if [ -d $folder ] && [ ! -L $folder ] && [ -z "$(ls -A $folder)" ]; then
    mount -t tmpfs -o nosuid,nodev,$(stat -c 'mode=%a,uid=%u,gid=%g' $folder) tmpfs $folder
  fi
done

: >${HOME}/run/resolv.conf
ip link set lo up
for card in /sys/class/net/*; do
  if [ -e $card/device ]; then
    card=\${card##*/}
    ip link set $card up
    udhcpc -i $card -s ${HOME}/dhcp -t 4 -T 2 -A 10 -b -O mtu -O staticroutes >/dev/null 2>&1 </dev/null
    break
  fi
done
[ -n "$hostname" ] || { [ -s ${HOME}/run/name ] && read -r hostname <${HOME}/run/name; } || hostname=container
hostname "$hostname"
echo "$hostname" >${HOME}/run/hostname
printf '127.0.0.1\\tlocalhost %s\\n::1\\tlocalhost ip6-localhost ip6-loopback\\n' "$hostname" >${HOME}/run/hosts
for file in resolv.conf hostname hosts; do
  [ -f /etc/$file ] || { rm -rf /etc/$file; : >/etc/$file; }
  mount --bind ${HOME}/run/$file /etc/$file
done

mkfifo -m 666 ${HOME}/run/output
serial=/dev/ttyS0
stty -F $serial >/dev/null 2>&1 || serial=/dev/null
tee $serial <${HOME}/run/output >/dev/tty0 2>/dev/null &
printer=$!
mkdir -p "$workdir"
(
  cd "$workdir" || cd /
  exec <$input >${HOME}/run/output 2>&1
  start
) &
container=$!

stop() {
  kill -$stopsignal $container 2>/dev/null
  (sleep $stoptimeout; kill -KILL $container 2>/dev/null) &
}
trap stop TERM INT USR1 USR2
acpid -c ${HOME}/acpi -l /dev/null -p ${HOME}/run/acpid.pid 2>/dev/null
status=0
while [ -d /proc/$container ]; do
  wait $container
  status=$?
done
trap '' TERM INT USR1 USR2
(sleep 2; kill $printer 2>/dev/null) &
wait $printer
say "the container has ended with status $status"
kill -TERM -1 2>/dev/null
sleep 0.5
kill -KILL -1 2>/dev/null
sync
mount -o remount,ro / 2>/dev/null
poweroff -f
`;

/** What `udhcpc` calls with what it has learnt. */
export const GUEST_DHCP = `${SHELL}
case $1 in
  deconfig)
    ip -4 addr flush dev $interface
    ;;
  bound | renew)
    [ -z "$mtu" ] || ip link set $interface mtu $mtu
    [ "$1" = renew ] || ip -4 addr flush dev $interface
    ip addr replace $ip/\${mask:-24} dev $interface 2>/dev/null || ip addr add $ip/\${mask:-24} dev $interface
    if [ -n "$staticroutes" ]; then
      set -- $staticroutes
      while [ $# -ge 2 ]; do
        if [ $2 = 0.0.0.0 ]; then ip route replace $1 dev $interface; else ip route replace $1 via $2 dev $interface; fi
        shift 2
      done
    else
      for gateway in $router; do
        ip route replace default via $gateway dev $interface
        break
      done
    fi
    {
      [ -z "$search$domain" ] || echo "search \${search:-$domain}"
      for server in $dns; do echo "nameserver $server"; done
    } >${HOME}/run/resolv.conf
    [ -z "$hostname" ] || echo "$hostname" >${HOME}/run/name
    ;;
esac
`;

/** The power button of a virtual machine, pressed by whoever stops it. */
export const GUEST_POWER_BUTTON = `${SHELL}
kill -TERM 1
`;
