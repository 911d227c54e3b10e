# The images by name: what each has other than "clean", which is Debian 13 with its small ("cloud") kernel. Sourced by
# build and boot.
IMAGES='clean peer cockpit bookworm sid bpo rdma arm64 podman next ansible'
# Those that the programs are tested on; "peer" is for comparing, "cockpit" for the page in a real Cockpit.
TESTED='clean bookworm sid bpo rdma arm64'

# image NAME: sets SUITE, ARCH (empty: this machine's), BACKPORTS (a suite besides), WITHOUT (a pattern of packages that are
# left out), PACKAGES (added ones)
image() {
    SUITE=${VMBED_SUITE:-trixie} ARCH='' BACKPORTS='' WITHOUT='' PACKAGES=''
    case $1 in
        clean) ;;
        # with the original, to measure and to replace
        peer) PACKAGES=$(grep -Ev '^\s*(#|$)' "$BED/packages-peer.txt" | paste -sd' ') ;;
        # Cockpit with what its administrators have besides: sudo, sessions of systemd, the storage page
        cockpit) PACKAGES='cockpit-ws cockpit-bridge cockpit-system cockpit-storaged sudo libpam-systemd polkitd' ;;
        # kernel 6.1, systemd 252, libnvme 1.3; no daemon for TLS handshakes
        bookworm) SUITE=bookworm WITHOUT=ktls-utils ;;
        # the newest of everything
        sid) SUITE=sid ;;
        # Debian 13 with the newest kernel of its backports
        bpo) BACKPORTS=$SUITE-backports WITHOUT=linux-image PACKAGES=linux-image-cloud-amd64/$BACKPORTS ;;
        # the full kernel, for soft-RoCE
        rdma) WITHOUT=linux-image PACKAGES='linux-image-amd64 rdma-core ibverbs-providers' ;;
        # an engine for containers
        podman) PACKAGES='podman crun docker-compose' ;;
        # nvme-cli 3, libnvme 3 and the original for them, nvme-stas 3
        next) SUITE=sid BACKPORTS=experimental WITHOUT=nvme-cli PACKAGES='nvme-cli/experimental nvme-stas/experimental python3-libnvme/experimental' ;;
        # for a controller of Ansible on the build machine; Debian 12, whose Python each of its versions knows
        ansible) SUITE=bookworm WITHOUT=ktls-utils PACKAGES='python3-apt sudo' ;;
        arm64) ARCH=arm64 WITHOUT=linux-image PACKAGES=linux-image-cloud-arm64 ;;
        *) die "no image '$1'; there are: $IMAGES" ;;
    esac
}
