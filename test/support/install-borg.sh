#!/bin/sh
# Installs what the interop tests compare with: Debian's borg 1.2, and borg 1.4 from Debian's backports unpacked beside it
# (.cache/borg-1.4/borg), plus the tools that make and show ACLs and attributes, what borg mounts with, and far sides:
# OpenSSH and rclone. Says what it could not get, and why that matters; never fails the build for it.
set -u
cd "$(dirname "$0")/../.." || exit 1
cache=$PWD/.cache

skip() {
  echo "install-borg: SKIPPED: $1" >&2
  echo "install-borg: interop tests that need it will say so and be skipped" >&2
}

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  command -v borg >/dev/null || skip 'no borg in PATH, and it is installed only as root on Debian'
  exit 0
fi

wanted='borgbackup borgmatic attr acl python3-llfuse openssh-client openssh-server rclone'
missing=
for package in $wanted; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null || skip "packages$missing"
fi

[ -x "$cache/borg-1.4/borg" ] && exit 0
. /etc/os-release
site=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | grep -v security | sort -u | head -n 1)
[ -n "$site" ] || { skip 'borg 1.4 (no package source configured)'; exit 0; }
work=$cache/backports
mkdir -p "$work/lists/partial" "$work/archives/partial"
echo "deb $site $VERSION_CODENAME-backports main" >"$work/backports.list"
apt_backports() {
  command=$1
  shift
  "$command" -o Dir::Etc::sourcelist="$work/backports.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists" \
    -o Dir::Cache="$work" -o APT::Sandbox::User=root "$@"
}
if apt_backports apt-get update -qq && (cd "$work" && apt_backports apt-get download -qq borgbackup) &&
  dpkg -x "$work"/borgbackup_1.4*.deb "$work/root"; then
  mkdir -p "$cache/borg-1.4"
  mv "$work/root/usr/lib/python3/dist-packages" "$cache/borg-1.4/python"
  mv "$work/root/usr/bin/borg" "$cache/borg-1.4/start"
  cat >"$cache/borg-1.4/borg" <<'WRAPPER'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
PYTHONPATH=$here/python exec /usr/bin/python3 "$here/start" "$@"
WRAPPER
  chmod +x "$cache/borg-1.4/borg"
  "$cache/borg-1.4/borg" --version
else
  skip 'borg 1.4 from backports'
fi
rm -rf "$work"
