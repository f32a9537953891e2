#!/usr/bin/env bash
# Both commands of the README on a bare Debian, as on a new machine: bootstraps a release into a temporary directory, copies
# a fresh clone of this commit into it, runs jobs/quickstart.sh and jobs/test.sh there, and removes it all. Needs root, git
# and debootstrap. jobs/matrix.sh calls it for its rows bare12 and bare13.
#   jobs/bare.sh bare12|bare13 [ctest arguments...]
# Environment: DINI_BARE    directory that keeps the bootstrapped releases and the packages, for the next run (none)
#              DINI_MIRROR  Debian's mirror (http://deb.debian.org/debian)
. "$(dirname "$0")/common.sh"

case ${1:-} in
  bare12) release=bookworm ;;
  bare13) release=trixie ;;
  *) die "which release? bare12 or bare13, see $0 --help" ;;
esac
shift
[ "$(id -u)" -eq 0 ] || die "a new root needs root"
for tool in debootstrap git unshare; do
  command -v "$tool" >/dev/null || die "$tool is missing: apt-get install $tool"
done

root=$(mktemp -d "${TMPDIR:-/tmp}/dini-$release.XXXXXX")
child=""
# when it is interrupted too: what runs in the new root ends with unshare, which ends only so
clean() {
  [ -z "$child" ] || kill -KILL "$child" 2>/dev/null || true
  [ -z "$child" ] || wait "$child" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP
keep=${DINI_BARE:-$root}
mkdir -p "$keep/archives-$release/partial"
step "Bootstrap Debian $release"
if [ ! -e "$keep/$release/.complete" ]; then
  rm -rf --one-file-system "${keep:?}/$release"
  debootstrap --variant=minbase "$release" "$keep/$release" "${DINI_MIRROR:-http://deb.debian.org/debian}" >"$root/log" 2>&1 ||
    { tail -n 20 "$root/log"; die "debootstrap failed"; }
  touch "$keep/$release/.complete"
fi
system=$root/system
cp -a "$keep/$release" "$system"
cp /etc/resolv.conf "$system/etc/"
printf '127.0.0.1 localhost %s\n' "$(uname -n)" >"$system/etc/hosts" # as on any machine; MPI asks for it at each start
apt-config dump Acquire::http::Proxy >"$system/etc/apt/apt.conf.d/proxy" 2>/dev/null || true
git clone --quiet --no-hardlinks . "$system/root/dini"

# inside <command...>: in the new root, in the clone, with mounts that end with the command
inside() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  unshare --mount --pid --fork --kill-child bash -c '
    system=$1 archives=$2
    shift 2
    mount -t proc proc "$system/proc"
    mount -t tmpfs tmpfs "$system/dev/shm"
    mount --bind "$archives" "$system/var/cache/apt/archives"
    exec chroot "$system" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root ${CI:+CI="$CI"} \
      ${http_proxy:+http_proxy="$http_proxy"} ${OPENBLAS_CORETYPE:+OPENBLAS_CORETYPE="$OPENBLAS_CORETYPE"} \
      bash -c '\''cd /root/dini && exec "$@"'\'' bash "$@"' bash "$system" "$keep/archives-$release" "$@" </dev/null &
  child=$!
  local status=0
  wait "$child" || status=$?
  child=""
  return $status
}

failed=()
times=""
# timed <command...>
timed() {
  local start=$SECONDS
  inside "$@" || failed+=("$1")
  times="$times$1 $((SECONDS - start)) s, "
}
timed jobs/quickstart.sh
for picture in head transmissivity residuals boundary; do
  [ -s "$system/root/dini/build/results/aquifer/$picture.png" ] || failed+=("no $picture.png")
done
timed jobs/test.sh "$@"
step "Debian $release: ${times%, }; installed $(du -sm --one-file-system "$system/usr" | cut -f 1) MB in /usr"
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
