#!/usr/bin/env bash
# Installs what the tests need (Debian packages, and the project in a fresh virtual environment) and passes them.
#
#   tests/run.sh                  everything, as continuous integration does it
#   tests/run.sh tests/unit -x    arguments go to pytest
#   tests/run.sh -n 0             one test after the other, in one process
#   VENV=.venv tests/run.sh       keep the virtual environment there and use it again
#
# Packages are installed only where a program is missing, and only as root: without them, tests skip and say so.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
PYTHON="${PYTHON:-python3}"

declare -A package_of=(
    [tshark]=tshark [editcap]=wireshark-common [tcpdump]=tcpdump [squid]=squid-openssl [nginx]=nginx-light
    [dnsmasq]=dnsmasq-base [ip]=iproute2 [ethtool]=ethtool [wget2]=wget2 [curl]=curl [iptables]=iptables
    [openssl]=openssl [gnutls-cli]=gnutls-bin [chromium]=chromium [npm]=npm [jq]=jq [stunnel4]=stunnel4
)
missing=()
for program in "${!package_of[@]}"; do
    command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
"$PYTHON" -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)

if ((${#missing[@]})); then
    if ((EUID == 0)) && command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -q
        # Services that a package would start have no business on a test machine.
        started_here=0
        if [[ ! -e /usr/sbin/policy-rc.d ]]; then
            printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
            chmod 755 /usr/sbin/policy-rc.d
            started_here=1
        fi
        status=0
        apt-get install -q -y --no-install-recommends "${missing[@]}" || status=$?
        ((started_here)) && rm -f /usr/sbin/policy-rc.d
        ((status == 0)) || exit "$status"
    else
        echo "tests/run.sh: not root, so these stay missing and their tests skip: ${missing[*]}" >&2
    fi
fi

# Each test that starts the program would compile all of it anew.
unset PYTHONDONTWRITEBYTECODE

if [[ -z "${VENV:-}" ]]; then
    VENV="$(mktemp -d)"
    trap 'rm -rf "$VENV"' EXIT
fi
[[ -x "$VENV/bin/python" ]] || "$PYTHON" -m venv "$VENV"
python="$VENV/bin/python"
"$python" -m pip install --quiet -e '.[test]'

# What only the browser tests use; without npm, or without a network, they skip.
if command -v npm >/dev/null && [[ ! -d tests/browser/node_modules ]]; then
    npm install --prefix tests/browser --no-package-lock --no-audit --no-fund --silent ||
        echo "tests/run.sh: npm could not install axe-core and mermaid: their tests skip" >&2
fi

"$python" -m ruff check
"$python" -m ruff format --check
"$python" -m mypy
# A file's tests stay together, since what they share is made once a process. One process more than there are
# processors: recordings of the laboratory, browsers and clusters wait more than they work.
"$python" -m pytest -n "$(($(nproc) + 1))" --dist loadfile --no-loadscope-reorder "$@"

# A few seconds of each fuzz target, where atheris can be installed; longer by hand: python -m tests.fuzz -t 600
if (($# == 0)); then
    "$python" -m pip install --quiet -e '.[fuzz]' || echo "tests/run.sh: atheris cannot be installed here: nothing is fuzzed" >&2
    "$python" -m tests.fuzz -t "${FUZZ_SECONDS:-10}"
fi
