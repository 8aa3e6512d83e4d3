#!/bin/sh
# Starts the gateway as an ordinary user, from its first instruction on. Runs as root inside a new
# mount namespace, made by `unshare --mount`, and ends by becoming the gateway.
#
# Usage: enter-gateway.sh RUN_DIR PROGRAM_DIR NODE GATEWAY_DIR UID GID NODE_ARGUMENT...
#
# The program and Node may lie where only root gets to, such as below /root. In this namespace, and
# nowhere else, they have a second place that the user can reach, read-only.
set -eu
run_dir=$1 program_dir=$2 node=$3 gateway_dir=$4 uid=$5 gid=$6
shift 6

mount --make-rprivate /
mkdir -p "$run_dir/program"
mount --bind "$program_dir" "$run_dir/program"
mount -o remount,bind,ro,nosuid,nodev "$run_dir/program"
: >"$run_dir/node"
mount --bind "$node" "$run_dir/node"

# The one place where the gateway may write. As its working directory it is in reach also where the
# directories above are closed to it, and nobody can put another in its place.
cd "$gateway_dir"
# The priority is what only root can give: with it the service answers while every sandbox burns its share.
exec nice --adjustment=-10 \
  setpriv --reuid "$uid" --regid "$gid" --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
  "$run_dir/node" "$@"
