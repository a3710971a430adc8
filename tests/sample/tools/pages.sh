#!/bin/sh
# Compiles src/*.txt to out/pages/*.html, but only pages whose text or whose compiler is newer than the result.
# The pause stands for the work a real compiler would do.
# shellcheck disable=SC3013 # -nt: every shell meant here has it
set -eu
contents=
[ "${1:-}" != --contents ] || contents=yes
mkdir -p out/pages
made=0 fresh=0

for page in out/pages/*.html; do
    name=${page##*/}
    [ ! -e "$page" ] || [ "$name" = index.html ] || [ -e "src/${name%.html}.txt" ] || {
        printf '\033[33m removed\033[0m  %s\n' "$page"
        rm "$page"
    }
done

for text in src/*.txt; do
    name=${text##*/}
    page=out/pages/${name%.txt}.html
    if [ -e "$page" ] && [ ! "$text" -nt "$page" ] && [ ! "$0" -nt "$page" ]; then
        fresh=$((fresh + 1))
        continue
    fi
    if [ ! -s "$text" ]; then
        printf '\033[1;31m   error\033[0m  %s is empty: a page needs a title\n' "$text" >&2
        exit 1
    fi
    sleep 0.4
    sed -e 's/&/\&amp;/g; s/</\&lt;/g' -e '1s/.*/<h1>&<\/h1>/' -e '2,$s/^- \(.*\)/<li>\1<\/li>/' \
        -e '2,$s/^[^<].*/<p>&<\/p>/' "$text" >"$page.new"
    mv "$page.new" "$page"
    made=$((made + 1))
    printf '\033[32mcompiled\033[0m  %s\n' "$page"
done

if [ -n "$contents" ]; then
    for text in src/*.txt; do
        name=${text##*/}
        printf '<li><a href="%s.html">%s</a></li>\n' "${name%.txt}" "$(sed -n 1p "$text")"
    done >out/pages/index.html
fi
printf '\033[1m%d compiled\033[0m, \033[2m%d up to date\033[0m\n' $made $fresh
