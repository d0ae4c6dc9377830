# Gives a container a root file system of its own and becomes its process.
#
#   sandbox.sh MARKER ROOT READONLY [SOURCE TARGET MODE]... -- FOLDER COMMAND...
#
# MARKER stays among the arguments until the container's command has taken over. Runs as root of fresh mount and process namespaces. The machine's folders show through, read-only; /tmp, /run and
# /dev are the container's own; each SOURCE is mounted at TARGET, MODE is ro or rw.
set -e
container_path=$PATH
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
chroot=$(command -v chroot)
marker=$1
root=$2
readonly=$3
shift 3

# Makes a mount read-only. In a user namespace the flags that the machine has set must be given again.
seal() {
  for flags in ro ro,nosuid,nodev ro,nosuid,nodev,noexec; do
    mount -o "remount,bind,$flags" "$1" 2> /dev/null && return
  done
  return 1
}

mount -t proc proc /proc
mount -t tmpfs -o mode=755 container "$root"
mkdir "$root/tmp" "$root/run" "$root/dev" "$root/dev/shm" "$root/proc" "$root/.layers"
chmod 1777 "$root/tmp" "$root/dev/shm"
mount --rbind /proc "$root/proc"
for device in null zero full random urandom tty; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${stream%:*}" "$root/dev/${stream#*:}"; done

for path in /*; do
  case $path in /tmp | /run | /dev | /proc | /lost+found) continue ;; esac
  if [ -L "$path" ]; then
    cp -P "$path" "$root$path"
  elif [ -d "$path" ] && [ ! -e "$root$path" ]; then
    mkdir "$root$path"
    mount --rbind "$path" "$root$path" 2> /dev/null || continue
    seal "$root$path" || true
  fi
done

# Makes the missing folder or file $2 below the folder of the machine in which it is to appear: by a layer above it.
make_place() {
  top=/$(echo "$2" | cut -d/ -f2)
  if [ -d "$top" ] && [ "$top" != /tmp ] && [ "$top" != /run ] && [ "$top" != /dev ] && [ ! -e "$root/.layers$top" ]; then
    upper=$root/.layers$top/upper work=$root/.layers$top/work
    mkdir -p "$upper" "$work"
    layers=lowerdir=$top,upperdir=$upper,workdir=$work
    mount -t overlay layers -o "$layers" "$root$top" 2> /dev/null ||
      mount -t overlay layers -o "$layers,userxattr" "$root$top"
  fi
  if [ -d "$1" ]; then
    mkdir -p "$root$2"
  else
    mkdir -p "$(dirname "$root$2")"
    : > "$root$2"
  fi
}

while [ "$1" != -- ]; do
  source=$1 target=$("$chroot" "$root" realpath -m "$2") mode=$3
  shift 3
  [ -e "$root$target" ] || make_place "$source" "$target"
  mount --rbind "$source" "$root$target"
  [ "$mode" = rw ] || seal "$root$target"
done
shift
[ "$readonly" = no ] || seal "$root"

PATH=$container_path
export PATH
exec "$chroot" "$root" /bin/sh -c 'cd "$1" && shift && exec "$@"' "$marker" "$@"
