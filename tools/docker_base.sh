#!/usr/bin/env bash
# A small Debian 12 as the image NAME, made by mmdebstrap from Debian's own packages,
# for a root user whose engine cannot pull the public base: tools/docker_base.sh NAME
set -euo pipefail

name=${1:?usage: tools/docker_base.sh NAME}

fail() {
    echo "docker base: $*" >&2
    exit 1
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

((EUID == 0)) || fail "only root can make $name; name a base that is there: BASE=..."
if ! command -v mmdebstrap >/dev/null; then
    command -v apt-get >/dev/null || fail "there is no mmdebstrap; install it"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get -qq update && apt-get -qq install --yes --no-install-recommends mmdebstrap; } \
        >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; fail "mmdebstrap could not be installed"; }
fi
# What the public slim image leaves out is left out here too.
slim=()
for path in doc man info locale groff lintian linda; do
    slim+=("--dpkgopt=path-exclude=/usr/share/$path/*")
done
slim+=("--dpkgopt=path-include=/usr/share/doc/*/copyright")
mmdebstrap --quiet --variant=minbase "${slim[@]}" bookworm "$scratch/base.tar" \
    >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; fail "mmdebstrap failed"; }
docker import --change 'CMD ["bash"]' "$scratch/base.tar" "$name" >/dev/null
