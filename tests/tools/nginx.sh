#!/bin/sh
# Makes sure that the nginx that the benchmark compares with is there: Debian's, fetched and unpacked beside the
# tools of this project, not installed as a service. Prints its path.
set -eu
tools=${1:?folder of the tools}

if command -v nginx >/dev/null 2>&1; then
    command -v nginx
    exit 0
fi
program=$tools/nginx/usr/sbin/nginx
if [ ! -x "$program" ]; then
    command -v apt-get >/dev/null 2>&1 || { echo "nginx.sh: install nginx; this is not Debian" >&2; exit 1; }
    mkdir -p "$tools/nginx"
    cd "$tools/nginx"
    apt-get download -qq nginx >&2 || { apt-get update -qq >&2; apt-get download -qq nginx >&2; }
    dpkg-deb -x nginx_*.deb .
fi
"$program" -v >&2 || { echo "nginx.sh: Debian's nginx does not start here; install it by apt-get install nginx" >&2; exit 1; }
echo "$program"
