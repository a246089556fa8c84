#!/usr/bin/env bash
# A private Docker engine for a root user who has none, and for CI.
#
#   eval "$(tools/docker_engine.sh start [FOLDER])"   DOCKER_HOST, of an engine that is
#                                                     there or of one started here
#   tools/docker_engine.sh status [FOLDER]            which engine answers, if one does
#   tools/docker_engine.sh stop [FOLDER]              end the one started here, with its
#                                                     images and all
#
# All that it writes lies in FOLDER (default: build/docker of the checkout), which has
# to be on a disk that overlay mounts work on. Of the machine it changes the packages
# alone: docker.io, if there is no dockerd.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin # where dockerd is; `su` may leave them out

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(realpath -m -- "${2:-$root/build/docker}")
socket=$folder/engine.sock
pidfile=$folder/engine.pid
log=$folder/engine.log

fail() {
    echo "docker engine: $*" >&2
    exit 1
}

# The endpoint of $1, or of the user's own settings, if an engine answers there.
answering() {
    command -v docker >/dev/null || return 1
    local -a docker=(docker ${1:+--host "$1"})
    timeout 20 "${docker[@]}" version --format '{{.Server.Version}}' >/dev/null 2>&1 ||
        return 1
    # The Docker SDK knows DOCKER_HOST but no contexts, so the endpoint is spelled out.
    echo "${1:-${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}')}}"
}

endpoint() { answering || answering "unix://$socket"; }

# The process that the pidfile means, unless another one has got its number since.
engine_pid() {
    local pid
    pid=$(cat "$pidfile" 2>/dev/null) && [[ $(cat "/proc/$pid/comm" 2>/dev/null) == dockerd ]] &&
        echo "$pid"
}

install_engine() {
    command -v dockerd >/dev/null && command -v docker >/dev/null && return
    command -v apt-get >/dev/null ||
        fail "there is no dockerd; install Docker's engine (Debian: docker.io)"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get -qq update &&
        apt-get -qq install --yes --no-install-recommends docker.io; } >"$log" 2>&1 ||
        fail "docker.io could not be installed; $log tells why"
    hash -r
}

start() {
    local host
    if host=$(endpoint); then
        echo "export DOCKER_HOST=$host"
        return
    fi
    ((EUID == 0)) || fail "none answers, and only root can start one; ask for one to be" \
        "started and for its group (usually docker), or set DOCKER_HOST"
    # The kernel's limit for a socket's path is 107 bytes.
    ((${#socket} < 100)) || fail "$folder is too long a path for a socket; name another"
    mkdir -p "$folder"
    install_engine
    if host=$(answering); then # where services start by themselves, the package's does
        echo "export DOCKER_HOST=$host"
        return
    fi
    # No bridge and no firewall rules: containers here have no network at all, and
    # builds use the host's, so that the machine's own network stays as it is.
    # setsid: Ctrl-C in the terminal means the suite, not the engine under it.
    setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" \
        --pidfile "$pidfile" --host "unix://$socket" \
        --bridge=none --iptables=false --ip6tables=false --ip-forward=false \
        --ip-masq=false >>"$log" 2>&1 </dev/null &
    local pid=$!
    for ((tries = 0; tries < 300; tries++)); do
        if host=$(answering "unix://$socket"); then
            echo "export DOCKER_HOST=$host"
            return
        fi
        kill -0 "$pid" 2>/dev/null || fail "dockerd gave up; the end of $log says why:" \
            "$(tail -n 1 "$log")"
        sleep 0.2
    done
    kill "$pid"
    fail "dockerd did not answer within a minute; see $log"
}

status() {
    local host
    host=$(endpoint) || fail "none answers; as root: eval \"\$(tools/docker_engine.sh start)\""
    echo "export DOCKER_HOST=$host"
}

stop() {
    [[ -e $folder ]] || return 0
    ((EUID == 0)) || fail "only root can end the engine of $folder"
    # What is removed below is a whole folder: only one that `start` has made.
    [[ -e $log ]] || fail "$folder holds no engine of this script"
    local pid mount
    if pid=$(engine_pid); then
        kill "$pid"
        for ((tries = 0; tries < 150; tries++)); do
            [[ $(engine_pid) ]] || break
            sleep 0.2
        done
        # It ends its containers first, each with 10 s of grace; enough is enough.
        if pid=$(engine_pid); then kill -KILL "$pid"; fi
    fi
    # Innermost first: what a container still holds mounted cannot be removed.
    while read -r mount; do
        umount -l "$mount"
    done < <(awk -v folder="$folder/" 'index($2, folder) == 1 {print $2}' /proc/mounts | tac)
    rm -rf --one-file-system "$folder"
}

case ${1:-} in
    start | stop | status) "$1" ;;
    *) fail "usage: ${BASH_SOURCE[0]} start|stop|status [FOLDER]" ;;
esac
