#!/usr/bin/env bash
# Everything a fresh machine lacks before the product can be built: looks first, installs only what is missing.
#
#   packages.sh run      what building and opening the window needs
#   packages.sh test     also what the tests in a real window need
set -euo pipefail
# shellcheck source=.ci/setup/common.sh
. "$(dirname "$0")/common.sh"

purpose=${1:-run}
case $purpose in run | test) ;; *) fail "usage: packages.sh run|test" ;; esac

# The two tool chains are the developer's own choice of version manager, so they are asked for and not installed.
[ -d "$home_dir/.cargo/bin" ] && PATH=$home_dir/.cargo/bin:$PATH
rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root_dir/Cargo.toml")
command -v cargo >/dev/null || fail "Rust $rust or newer is needed: install it with rustup, then run this again"
have=$(rustc --version | cut -d' ' -f2)
[ "$(printf '%s\n' "$rust" "$have" | sort -V | head -n 1)" = "$rust" ] ||
    fail "Rust $rust or newer is needed and this is $have: rustup update stable"
for command in node npm; do
    command -v $command >/dev/null || fail "Node 20 or newer with npm is needed: install it, then run this again"
done
node=$(node --version)
node=${node#v}
[ "${node%%.*}" -ge 20 ] || fail "Node 20 or newer is needed and this is $node"

if command -v apt-get >/dev/null; then
    packages=(build-essential pkg-config libwebkit2gtk-4.1-dev librsvg2-dev)
    for command in git curl; do command -v $command >/dev/null || packages+=("$command"); done
    if [ "$purpose" = test ]; then
        packages+=(webkit2gtk-driver xvfb dbus-x11 dunst libnotify-bin xdotool imagemagick x11-utils
            fonts-dejavu-core fonts-inter fonts-jetbrains-mono)
    fi
    lock "$state_dir"
    apt_install "${packages[@]}"
elif [ "$(uname)" = Linux ]; then
    pkg-config --exists webkit2gtk-4.1 || fail "the development files of WebKitGTK 4.1 and librsvg are needed to build the window"
    say "no apt here: the tests in a real window need WebKitWebDriver, Xvfb, dbus-run-session, dunst, xdotool and ImageMagick"
fi

# Compared by content: a checkout gives the lock file a new date without a new line in it.
lock_file=$root_dir/ui/package-lock.json
stamp=$root_dir/ui/node_modules/.package-lock.sha256
if [ -e "$lock_file" ]; then
    wanted=$(cat "$lock_file" "$root_dir/ui/package.json" | sha256sum | cut -d' ' -f1)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        say "installing the page's npm packages"
        (cd "$root_dir/ui" && npm ci --no-audit --no-fund --loglevel=error </dev/null >&2)
        echo "$wanted" >"$stamp"
    fi
fi
