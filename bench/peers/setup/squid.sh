#!/bin/sh
# squid with ssl-bump: reads the ClientHello, then terminates TLS, as its wiki shows; access by lists, the last word "deny all".
# https://wiki.squid-cache.org/Features/SslPeekAndSplice  https://www.squid-cache.org/Doc/config/acl/  https://www.squid-cache.org/Doc/config/http_access/
set -eu
cd "$PEER_DIR"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=squid under test' -keyout ca.key -out ca.pem \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>openssl.log
cp "$CONFORMANCE_CA" origins.pem
cp "$CONFORMANCE_HOSTS" hosts
sed -n 's/^[0-9.]* \(allow[0-9]*\.test\) .*/\1/p' hosts > allowed
sed -n 's/.* \(insi[0-9]*\.test\).*/\1/p' hosts > inside
sed "s|@DIR@|$PEER_DIR|g; s|@PORT@|$CONFORMANCE_PORT|" "$PEER_SETUP/squid.conf" > squid.conf
/usr/lib/squid/security_file_certgen -c -s "$PEER_DIR/made" -M 4MB >certgen.log
# It gives up being root.
[ "$(id -u)" != 0 ] || chown -R proxy: .
chmod 711 .
exec squid -N -f "$PEER_DIR/squid.conf"
