#!/usr/bin/env bash
# Sees to it that Chromium is there, in which the tests of the pages click: as it stands in the PATH, else from
# Debian's packages where this is Debian and one may install, with fonts for Chinese.
set -euo pipefail
wanted=()
command -v chromium >/dev/null || wanted+=(chromium)
fc-list :lang=zh 2>/dev/null | grep -q . || wanted+=(fonts-noto-cjk)
if [ "${#wanted[@]}" -gt 0 ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "${wanted[@]}" >/dev/null
fi
command -v chromium >/dev/null || echo "chromium is not there: the tests of the pages are skipped" >&2
