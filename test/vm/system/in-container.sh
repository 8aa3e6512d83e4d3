#!/bin/sh
# Runs its arguments as a container runtime would on a host with version 2: in a control group of
# their own that a cgroup namespace shows as the root. Runs in the virtual machine.
set -eu
host=/sys/fs/cgroup
echo "+cpu +memory +pids" >"$host/cgroup.subtree_control"
mkdir -p "$host/container"
echo $$ >"$host/container/cgroup.procs"
exec unshare --mount --cgroup sh -euc 'mount -t cgroup2 cgroup2 "$0"; exec "$@"' "$host" "$@"
