#!/bin/sh
# What depends on the version of the control groups, and set-up itself on a Debian 13 that has all it installs.
# Runs in the virtual machine.
status=0
node scripts/test.mjs unit || status=1
node scripts/test.mjs integration limits lifecycle pool security || status=1
exit $status
