#!/usr/bin/env bash
# Sees to it that nginx is there, which the tests of deploy/nginx start one of their own with: as it stands in the
# PATH, else from Debian's packages where this is Debian and one may install. It is not started as a service.
set -euo pipefail
found() { command -v nginx >/dev/null || [ -x /usr/sbin/nginx ]; }
if ! found && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq install --no-install-recommends nginx-light >/dev/null
fi
found || echo "nginx is not there: the tests of deploy/nginx are skipped" >&2
