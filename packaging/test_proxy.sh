#!/usr/bin/env bash
# Sends one request through packaging/nginx.conf with a certificate made on the spot (Debian:
# nginx-light, openssl):
#
#   packaging/test_proxy.sh [PROGRAM]
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:-target/release/secondlook}

work=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done
    wait
    rm -rf "$work"
}
trap finish EXIT
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout "$work/key.pem" -out "$work/certificate.pem" 2> /dev/null

"$program" serve --listen 127.0.0.1:0 > "$work/ready" 2> "$work/log" &
pids+=($!)
for _ in $(seq 300); do
    if [ -s "$work/ready" ]; then break; fi
    kill -0 "${pids[0]}" 2> /dev/null || { cat "$work/log" >&2; exit 1; }
    sleep 0.2
done
backend=$(sed -n 's|.*http://||p' "$work/ready")
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

# The example with the addresses and paths of this test.
sed -e "s|127.0.0.1:8080|$backend|" -e "s|listen 443|listen 127.0.0.1:$port|" -e "/listen \[::\]/d" \
    -e "s|secondlook.example|localhost|" -e "s|/etc/ssl/certs/secondlook.pem|$work/certificate.pem|" \
    -e "s|/etc/ssl/private/secondlook.key|$work/key.pem|" packaging/nginx.conf > "$work/site.conf"
cat > "$work/nginx.conf" <<NGINX
daemon off;
pid $work/nginx.pid;
error_log $work/error.log;
events {}
http {
    access_log $work/access.log;
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxy;
    fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi;
    scgi_temp_path $work/scgi;
    include $work/site.conf;
}
NGINX
nginx=$(command -v nginx || echo /usr/sbin/nginx)
"$nginx" -t -q -e "$work/error.log" -c "$work/nginx.conf"
"$nginx" -e "$work/error.log" -c "$work/nginx.conf" &
pids+=($!)
for _ in $(seq 50); do
    if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then break; fi
    sleep 0.1
done
python3 packaging/ask.py "https://localhost:$port" examples/cells/hsil.png "$work/certificate.pem"
status=$(python3 - "$port" "$work/certificate.pem" <<'PYTHON'
import ssl, sys, urllib.error, urllib.request
try:
    context = ssl.create_default_context(cafile=sys.argv[2])
    print(urllib.request.urlopen(f"https://localhost:{sys.argv[1]}/metrics", context=context).status)
except urllib.error.HTTPError as error:
    print(error.code)
PYTHON
)
test "$status" = 404 || { echo "/metrics answered $status through the proxy" >&2; exit 1; }
echo "one request was answered through nginx"
