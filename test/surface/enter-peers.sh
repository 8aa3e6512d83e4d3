#!/bin/sh
# Becomes Docker's engine in the tree $1. Runs as the first process of namespaces of its own, so all
# it mounts and starts ends with it. The root is pivoted, not changed: gVisor makes a user namespace,
# which the kernel refuses to a process in a chroot.
set -eu
tree=$1
mount --make-rprivate /
mount --bind "$tree" "$tree"
mount -t proc proc "$tree/proc"
mount --rbind /sys "$tree/sys"
mount --rbind /dev "$tree/dev"
# Images and containers live in memory; nothing of them stays behind.
for directory in run tmp var/lib/docker var/lib/containerd; do
  mkdir -p "$tree/$directory"
  mount -t tmpfs tmpfs "$tree/$directory"
done
cd "$tree"
pivot_root . mnt
exec chroot . sh -c '
  umount -l /mnt
  exec dockerd --host unix:///run/docker.sock --pidfile /run/docker.pid \
    --cgroup-parent surface-peers --bridge none --iptables=false --ip6tables=false'
