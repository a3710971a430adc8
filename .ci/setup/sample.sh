#!/usr/bin/env bash
# Makes a small repository to try the product on: files from tests/sample, and a history in which every answer of a
# plan occurs. Authors and dates are fixed, so that the commits have the same ids on every machine.
#
#   sample.sh DEST      does nothing when DEST is there already
set -euo pipefail
# shellcheck source=.ci/setup/common.sh
. "$(dirname "$0")/common.sh"

[ $# -eq 1 ] || fail "usage: sample.sh DEST"
[ ! -e "$1" ] || exit 0
command -v git >/dev/null || apt_install git

say "making the sample repository $1"
mkdir -p "$(dirname "$1")"
work=$(mktemp -d "$1.XXXXXX")
trap 'rm -rf "$work"' EXIT
source=$root_dir/tests/sample

# Nothing of the user's own git settings, hooks or environment may change what comes out.
unset "${!GIT_@}"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
git init -q --template= "$work"
cd "$work"
git symbolic-ref HEAD refs/heads/main

ada='Ada Byrne <ada@example.org>'
mira='Mira Okafor <mira@example.org>'
jonas='Jonas Lindqvist <jonas@example.org>'

as() { # AUTHOR WHEN COMMAND...
    local name=${1% <*} email=${1#*<} when=$2
    shift 2
    GIT_AUTHOR_NAME=$name GIT_AUTHOR_EMAIL=${email%>} GIT_COMMITTER_NAME=$name GIT_COMMITTER_EMAIL=${email%>} \
        GIT_AUTHOR_DATE="2026-${when}:00+01:00" GIT_COMMITTER_DATE="2026-${when}:00+01:00" "$@"
}
commit() { # AUTHOR WHEN SUBJECT
    git add -A
    as "$1" "$2" git commit -q -m "$3"
}
page() { printf '%s\n\n%s\n- %s\n- %s\n' "$2" "$3" "$4" "$5" >"src/$1.txt"; }
edit() { # EXPRESSION FILE...; sed -i is not the same everywhere
    local expression=$1 file
    shift
    for file; do sed "$expression" "$file" >"$file.new" && mv "$file.new" "$file"; done
}

mkdir src tools
cp "$source/README.md" "$source/.gitpod.yml" "$source/.gitignore" .
cp "$source/tools/pages.sh" tools/
for bird in blackbird magpie robin sparrow swift wren; do cp "$source/src/$bird.txt" src/; done
chmod 644 README.md .gitpod.yml .gitignore tools/* src/*
commit "$ada" 03-02T09:12 'Start the field guide with six birds'

cp -n "$source"/src/*.txt src/
commit "$mira" 03-03T11:40 'Add the birds of the park'

# Another task: what was built before this commit cannot be a base for what comes after it.
cp "$source/tools/words.sh" tools/
printf '  - name: words\n    init: sh tools/words.sh\n' >>.gitpod.yml
commit "$jonas" 03-04T16:05 'Count the words beside the pages'
as "$jonas" 03-04T16:10 git tag -a v0.1 -m 'The birds of the park'

echo '- also: ticks like an old clock when a cat is near' >>src/robin.txt
commit "$ada" 03-06T08:55 'Say how the robin warns'

git checkout -q -b wetlands
page heron 'Heron' 'Stands like a post until the fish believes it.' 'colour: grey' 'heard: at dusk, and harshly'
commit "$mira" 03-09T10:20 'Add the heron'
page kingfisher 'Kingfisher' 'One thin whistle and a blue line along the river.' 'colour: blue and orange' 'heard: the whole year'
page bittern 'Bittern' 'Somebody blows across an empty bottle.' 'colour: reed' 'heard: March to June'
commit "$mira" 03-10T10:45 'Add the kingfisher and the bittern'

git checkout -q main
edit 's/^- color:/- colour:/' src/*.txt
commit "$jonas" 03-10T14:30 'Spell colour one way'
as "$ada" 03-11T09:00 git merge -q --no-ff -m "Merge branch 'wetlands'" wetlands

edit 's/tools\/pages\.sh$/tools\/pages.sh --contents/' .gitpod.yml
commit "$ada" 03-12T09:35 'List all pages on an index'
as "$ada" 03-12T09:40 git tag -a v0.2 -m 'With wetlands and an index'

# The compiler itself changes: an incremental build is possible, and saves nothing.
git checkout -q -b columns
edit 's/<h1>&<\\\/h1>/<h1 class="wide">\&<\\\/h1>/' tools/pages.sh
commit "$jonas" 03-13T17:25 'Let titles span both columns'
git checkout -q main

# A page without a title: its task fails.
: >src/owl.txt
commit "$mira" 03-16T22:10 'Keep a place for the owl'
page owl 'Tawny owl' 'Two of them make the one call everybody knows.' 'colour: bark' 'heard: October to March, at night'
commit "$mira" 03-17T07:50 'Write the page of the owl'

git mv src/sparrow.txt src/house-sparrow.txt
edit '1s/.*/House sparrow/' src/house-sparrow.txt
commit "$ada" 03-18T12:15 'Tell the house sparrow from the others'

printf '\nWhat a page says was heard, not read.\n' >>README.md
commit "$jonas" 03-19T09:05 'Say where the words come from'

mv "$work" "$1"
chmod 755 "$1"
