# Shared by the scripts of the test bed; sourced, never run.
# VMBED_DIR   where images, keys and running machines live
#             (default: ${XDG_CACHE_HOME:-$HOME/.cache}/nvme-stas/vm)
# VMBED_NAME  which machine, when more than one runs (default: main)

BED=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VMBED_DIR=${VMBED_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/nvme-stas/vm}
VMBED_NAME=${VMBED_NAME:-main}
RUN=$VMBED_DIR/run/$VMBED_NAME

# 125: the bed itself failed, not the command in the guest
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 125; }

((${#RUN} <= 80)) || die "VMBED_DIR is too long a path for sockets: $VMBED_DIR"

need() {
    local c
    for c; do command -v "$c" >/dev/null || die "needs '$c' (see README.md, 'Host packages')"; done
}

alive() { [[ -s $RUN/pid ]] && kill -0 "$(<"$RUN/pid")" 2>/dev/null; }

ssh_opts() {
    # as settings, since sftp and scp have other letters for these
    SSH_OPTS=(-F none -o "Port=$(<"$RUN/port")" -o "IdentityFile=$VMBED_DIR/key" -o User=root
        -o BatchMode=yes -o IdentitiesOnly=yes -o LogLevel=ERROR
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
        -o ConnectTimeout=20 -o ServerAliveInterval=30
        -o ControlMaster=auto -o ControlPersist=yes -o "ControlPath=$RUN/ctl")
}

guest() { # guest CMD-STRING: run it by the guest's shell
    alive || die "no machine '$VMBED_NAME' is running (boot it first)"
    ssh_opts
    ssh "${SSH_OPTS[@]}" 127.0.0.1 -- "$@"
}

run_foreign() { # run_foreign arm64: the kernel runs this machine's qemu-user for programs of that processor
    local rule=qemu-aarch64 dir=/proc/sys/fs/binfmt_misc
    [[ $1 = arm64 ]] || die "no way to run programs of $1"
    [[ $(uname -m) != aarch64 ]] || return 0
    need qemu-aarch64-static
    [[ -e $dir/register ]] || mount -t binfmt_misc binfmt_misc "$dir" || die "cannot mount binfmt_misc"
    [[ -e $dir/$rule ]] || cat "/usr/lib/binfmt.d/$rule.conf" >"$dir/register" || die "cannot register $rule"
}
