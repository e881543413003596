#!/usr/bin/env bash
# Sees to it that PostgreSQL's programs are there, which the connectors' tests start a server of their own with
# (on a socket in a folder of the test's): as they stand in the PATH or where Debian puts them, else from Debian's
# packages where this is Debian and one may install.
set -euo pipefail
found() { command -v initdb >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null; }
if ! found && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends postgresql >/dev/null
fi
found || { echo "PostgreSQL's initdb is not there: install PostgreSQL's server, the connectors' tests start one" >&2; exit 1; }
