#!/bin/sh
# The arithmetic, the codecs and a whole backup under every Node we support, one line each: npm run test:nodes [-- 22 24]
# Without arguments: the Node at hand, then 22, 24 and 26, installed from the npm registry into .cache/nodes. A Node that
# cannot be had is a loud skip; the exit code is 1 when anything failed. Needs `npm run build`.
set -u
cd "$(dirname "$0")/../.." || exit 1
project=$PWD
nodes=$project/.cache/nodes
suites='test/kernels test/compress test/format test/crypto test/chunker test/operations'
compressions='none lz4 zstd,1 zstd,3 zstd,19 zlib,6 lzma,0 lzma,6 auto,zstd obfuscate,110,lz4'
borg=$(command -v borg || true)
failures=0

[ -f dist/cli/tsborg.js ] || { echo 'node-matrix: not built: npm run build' >&2; exit 1; }

# Prints the path of node $1, installing it first.
find_node() {
  [ "$1" = current ] && { command -v node; return; }
  package=node-$(node -p 'process.platform + "-" + process.arch')
  program=$nodes/$1/node_modules/$package/bin/node
  if [ ! -x "$program" ]; then
    mkdir -p "$nodes/$1"
    npm install --prefix "$nodes/$1" --no-save --no-package-lock --ignore-scripts --loglevel error "$package@$1" >&2 ||
      return 1
  fi
  "$program" --version >/dev/null 2>&1 && echo "$program"
}

# A backup of a small tree with each compression, restored and compared; then what borg makes of it, and we of borg's.
round_trip() {
  node=$1
  work=$(mktemp -d)
  export BORG_BASE_DIR="$work/base" BORG_PASSPHRASE='correct horse' BORG_RELOCATED_REPO_ACCESS_IS_OK=yes
  mkdir -p "$work/base" "$work/tree/inner"
  cp -R src/base src/session "$work/tree/inner"
  head -c 3000000 /dev/zero >"$work/tree/zeros"
  head -c 3000000 /dev/urandom >"$work/tree/noise"
  (
    set -e
    cd "$work"
    tsborg() { "$node" "$project/dist/cli/tsborg.js" "$@"; }
    # Reads archive $2 of repository $3 by program $1, and compares.
    compare() {
      rm -rf out && mkdir out && (cd out && "$1" extract "../$3::$2") && diff -r tree out/tree
    }
    tsborg init -e repokey-blake2 ours
    for compression in $compressions; do
      echo "$compression" >tree/which
      # Its own repository each time, or all but the first would find their chunks there already.
      tsborg init -e repokey "ours-$compression"
      tsborg create -C "$compression" "ours-$compression::a" tree
      compare tsborg a "ours-$compression"
      tsborg check --verify-data "ours-$compression"
      [ -n "$borg" ] || continue
      compare borg a "ours-$compression"
      borg init -e repokey "theirs-$compression"
      borg create -C "$compression" "theirs-$compression::a" tree
      compare tsborg a "theirs-$compression"
    done
    tsborg create ours::a tree
    compare tsborg a ours
    [ -z "$borg" ] || borg check --verify-data ours
  ) >"$work.log" 2>&1
  code=$?
  rm -rf "$work"
  return $code
}

for wanted in ${*:-current 22 24 26}; do
  node=$(find_node "$wanted")
  if [ -z "$node" ]; then
    echo "node-matrix: SKIPPED: node $wanted could not be installed: nothing is known about it" >&2
    continue
  fi
  started=$(date +%s)
  log=$nodes/tests-$wanted.log
  mkdir -p "$nodes"
  # shellcheck disable=SC2086
  if NO_COLOR=1 "$node" node_modules/vitest/vitest.mjs run $suites >"$log" 2>&1; then result=passed; else
    result="FAILED (see $log)"
    failures=1
  fi
  tests=$(sed -n 's/^ *Tests *//p' "$log" | tail -n 1)
  if round_trip "$node"; then trip="$(echo $compressions | wc -w) compressions there and back"; rm -f "$work.log"; else
    trip="round trip FAILED (see $work.log)"
    failures=1
  fi
  [ -n "$borg" ] && with=" (also through $("$borg" --version))" || with=' (no borg to compare with: SKIPPED)'
  echo "node $("$node" --version): tests $result: $tests; $trip$with; $(($(date +%s) - started)) s"
done
exit $failures
