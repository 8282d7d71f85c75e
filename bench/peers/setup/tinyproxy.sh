#!/bin/sh
# tinyproxy: a filter of host names that denies by default; TLS is relayed, not read.
# https://tinyproxy.github.io/#documentation (tinyproxy.conf: Filter, FilterDefaultDeny, ConnectPort)
set -eu
cat > "$PEER_DIR/filter" <<'FILTER'
^allow[0-9][0-9]\.test$
FILTER
cat > "$PEER_DIR/tinyproxy.conf" <<CONF
Port $CONFORMANCE_PORT
Listen 127.0.0.1
Allow 127.0.0.1
MaxClients 100
Timeout 60
LogLevel Error
ConnectPort 443
Filter "$PEER_DIR/filter"
FilterDefaultDeny Yes
FilterExtended On
CONF
exec tinyproxy -d -c "$PEER_DIR/tinyproxy.conf"
