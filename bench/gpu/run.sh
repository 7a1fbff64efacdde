#!/usr/bin/env bash
# One command on a machine with a card: bash run.sh [--seconds 540] [--only PART]... [--tiny]
# Unpacks the archive beside it, finds the plugin of XLA below python3's packages, measures the parts in the order of
# their value, and writes one JSON line a measurement to $OUT/results.jsonl. No network. See README.md beside it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-$PWD}; mkdir -p "$out"
work=${WORK:-$(mktemp -d)}; cd "$work" || exit 1
echo "unpacking into $work"
tar -xJf "$here/tessera-gpu.tar.xz" 2>/dev/null ||
  python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall()' "$here/tessera-gpu.tar.xz" || exit 1
top=$work/tessera-gpu
mkdir -p "$top/home"; export HOME=$top/home XDG_CACHE_HOME=$top/home/.cache

# An installed engine is a folder with a record; this one is links to what Python has.
if [ -z "${TESSERA_ENGINES:-}" ]; then
  export TESSERA_ENGINES=$top/engines
  python3 - "$TESSERA_ENGINES/xla-cuda13" <<'PY'
import glob, importlib.metadata, json, os, sys
folder = sys.argv[1]
found = [(p, f) for p in sys.path if p for f in glob.glob(p + '/jax_plugins/xla_cuda1*/xla_cuda_plugin.so')]
if not found:
    sys.exit('no plugin: python3 has no jax_plugins/xla_cuda13')
site, path = found[0]
try:
    version = importlib.metadata.version('jax-cuda13-pjrt')
except importlib.metadata.PackageNotFoundError:
    version = 'unknown'
os.makedirs(folder)
os.symlink(site, folder + '/site')
record = {'name': 'xla-cuda13', 'engine': 'xla-cuda', 'version': version,
          'library': 'site/' + os.path.relpath(path, site), 'wheels': []}
with open(folder + '/engine.json', 'w') as file:
    json.dump(record, file)
print('plugin', version, path)
PY
fi
exec "$top/node" "$top/tessera/dist/bench/gpu/main.js" --peer "$top/peer.py" --results "$out/results.jsonl" "$@"
