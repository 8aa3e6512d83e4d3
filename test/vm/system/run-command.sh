#!/bin/sh
# Runs in the virtual machine, as a systemd unit: makes a writable view of the repository, shows
# what kind of machine this is, and runs the command.
set -eu
exchange=/srv/exchange
repository=/srv/glovebox

mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 exchange "$exchange"
mount -o ro /dev/vdb /srv/rootfs
mount -t tmpfs -o mode=0755 changes /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay -o lowerdir=/srv/repository,upperdir=/mnt/upper,workdir=/mnt/work overlay "$repository"
cd "$repository"

export ROOTFS_DIR=/srv/rootfs HOME=/root LANG=C.UTF-8
export PATH="$repository/node_modules/.bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

uname -srvm
systemd-detect-virt || true
grep cgroup /proc/self/mounts
cat /proc/self/cgroup
# The pipe keeps programs from taking the serial port for a terminal that shows progress.
echo 0 >"$exchange/status.part"
{
  node packages/server/bin/glovebox.mjs doctor && sh "$exchange/command" ||
    echo $? >"$exchange/status.part"
} 2>&1 | cat
mv "$exchange/status.part" "$exchange/status"
sync
stty -F /dev/ttyS1 sane # Waits until all of the output has left, which the power's end does not.
