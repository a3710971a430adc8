#!/bin/sh
# Counts the words of every page into out/words, again only where the text is newer than the count.
# shellcheck disable=SC3013 # -nt: every shell meant here has it
set -eu
mkdir -p out/words
counted=0 total=0
for text in src/*.txt; do
    name=${text##*/}
    count=out/words/${name%.txt}
    if [ ! -e "$count" ] || [ "$text" -nt "$count" ]; then
        sleep 0.15
        wc -w <"$text" >"$count"
        counted=$((counted + 1))
        printf '\033[36m counted\033[0m  %s %d\n' "${name%.txt}" "$(cat "$count")"
    fi
    total=$((total + $(cat "$count")))
done
printf '\033[1m%d words\033[0m, \033[2m%d pages counted anew\033[0m\n' $total $counted
