#!/bin/bash
# Installs the Debian packages that the tests run real servers from, if any is
# missing. None of the services they bring is started: the tests start servers
# of their own on free ports.
set -euo pipefail

# A C compiler for the race detector, ActiveMQ with what its STOMP transformers
# need, a JDK for the JMS clients of the tests, an XMPP server, a STOMP
# library for the example driver in Python, and a browser for the page of a
# replay.
packages=(gcc libc6-dev activemq libactivemq-java default-jdk-headless libxstream-java libjettison-java libxpp3-java prosody python3-stomp chromium)

# For the one in JavaScript. Node that is there already may not be Debian's,
# which would take its place.
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)

if ! command -v apt-get >/dev/null; then
	echo "deps: this is no Debian; install these yourself: ${packages[*]}" >&2
	exit 0
fi

missing=()
for package in "${packages[@]}"; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[[ $state == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
	exit 0
fi
echo "deps: installing ${missing[*]}" >&2

as_root=()
if ((EUID != 0)); then
	if ! command -v sudo >/dev/null; then
		echo "deps: neither root nor sudo here; install these as root: ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi

# Package scripts ask policy-rc.d before they start a service; 101 forbids it.
# A policy that the host has already stays.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
	trap '"${as_root[@]}" rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
	"${as_root[@]}" chmod 0755 "$policy"
fi

# Another apt may hold a lock that it does not wait for, and a mirror may
# fail for a moment.
attempt() {
	local try
	for try in 1 2 3 4 5 6; do
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" && return
		echo "deps: apt-get $1 failed, try $try of 6" >&2
		sleep 10
	done
	return 1
}
attempt update
attempt install -y --no-install-recommends "${missing[@]}"
