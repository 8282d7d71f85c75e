#!/bin/sh
# mitmproxy: an addon judges each request; what is no HTTP is not relayed; the origins' roots are trusted.
# https://docs.mitmproxy.org/stable/addons/overview/  https://docs.mitmproxy.org/stable/concepts/options/
set -eu
exec mitmdump --quiet --listen-host 127.0.0.1 --listen-port "$CONFORMANCE_PORT" \
  --set confdir="$PEER_DIR" --set rawtcp=false --set ssl_verify_upstream_trusted_ca="$CONFORMANCE_CA" \
  --scripts "$PEER_SETUP/mitmproxy.py"
