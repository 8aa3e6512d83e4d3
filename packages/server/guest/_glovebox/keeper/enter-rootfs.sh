#!/bin/sh
# Starts the keeper in a root of its own. Runs as root inside a new mount namespace, made by
# `unshare --mount --net --ipc --uts`, and ends by becoming the keeper.
#
# Usage: enter-rootfs.sh ROOTFS_DIR TREE PACKAGE_DIR RUN_DIR [FOLDER PATH]... -- KEEPER_ARGUMENT...
#
# FOLDER is NAME:ro|rw:UID:GID:DEVICE:INODE, what the supervisor has found at PATH.
#
# Descriptor 3 is a file that the keeper of an instance holds locked for its life.
#
# TREE is the name of a directory below ROOTFS_DIR. Overlay gets relative names of its layers, because it shows
# them in /proc/self/mountinfo, where no path of the host should stand.
set -eu
# As wire/agreement.py has them.
isolation_unavailable=70 folders_refused=72
rootfs_dir=$1 tree=$2 package_dir=$3 run_dir=$4
shift 4
folders=

# A keeper whose server was killed is still removing its groups, which have the same names.
flock --wait 20 3 || {
  echo "ISOLATION_UNAVAILABLE the keeper of an earlier server does not end" >&2
  exit $isolation_unavailable
}

root=$run_dir/root
mkdir -p "$root"
mount --make-rprivate /
cd "$rootfs_dir"
# Over the tree lie empty directories for what is mounted into sandboxes.
mkdir -p -m 755 .mountpoints .mountpoints/data .mountpoints/opt .mountpoints/opt/wheels
mount -t overlay overlay -o "ro,lowerdir=$tree:.mountpoints" "$root"
mount -t tmpfs -o mode=0755,size=64k,nosuid,noexec dev "$root/dev"
for device in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 666 "$root/dev/${device%:*}" c 1 "${device#*:}"
done
mount -t tmpfs -o mode=1777,size=64m,nosuid,nodev tmp "$root/tmp"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=0755,size=64k,nosuid,nodev,noexec sys "$root/sys"
mkdir -p "$root/sys/fs/cgroup"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
# The directory on the keeper's search path, with the package in it and nothing else.
guest=$root/opt/glovebox/guest
mount -t tmpfs -o mode=0755,size=64k,nosuid,nodev,noexec guest "$guest"
mkdir "$guest/_glovebox"
mount --bind "$package_dir" "$guest/_glovebox"
mount -o remount,bind,ro,nosuid,nodev "$guest/_glovebox"
mount -o remount,ro "$guest"
mount -t tmpfs -o mode=0755,size=64k,nosuid,nodev,noexec run "$root/run"
mkdir "$root/run/glovebox" "$root/run/layers" "$root/run/mounts"
mount --bind "$run_dir" "$root/run/glovebox"
# Each sandbox mounts the same layers again for itself.
mount --bind "$rootfs_dir" "$root/run/layers"
mount -o remount,bind,ro,nosuid,nodev "$root/run/layers"

# Each of the operator's folders, without file systems that are mounted below it.
while [ "$1" != -- ]; do
  folder=$1 name=${1%%:*} path=$2
  shift 2
  mode=${folder#*:} mode=${mode%%:*}
  place=$root/run/mounts/$name
  mkdir "$place"
  mount --bind "$path" "$place"
  # Whoever may write above the folder could have put another in its place since it was looked at.
  case $folder in
    *":$(stat -c %d:%i "$place")") ;;
    *) echo "glovebox: DATA_MOUNTS: $name is no longer the folder that it was at the start" >&2; exit $folders_refused ;;
  esac
  mount -o "remount,bind,$mode,nosuid,nodev,noexec" "$place"
  folders="$folders $folder"
done
shift

# The keeper detaches the old root from /mnt as its first act.
cd "$root"
pivot_root . mnt
exec chroot . /usr/bin/env -i PATH=/usr/bin:/bin LANG=C.UTF-8 \
  /usr/bin/python3 -I -B -c 'import sys; sys.path.insert(0, "/opt/glovebox/guest"); from _glovebox.keeper import keeper; del sys.path[0]; sys.exit(keeper.main())' "$tree" "$@" "$folders"
