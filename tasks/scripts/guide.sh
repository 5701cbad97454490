#!/bin/sh
# A guide for people, made of the same values as the manifests. The check follows its links and
# looks up every command that it tells people to type.
#
# guide.sh run|check WORK NAME TASKMASTER SAMPLE_API

mode=$1 WORK=$2 name=$3 TASKMASTER=$4 SAMPLE_API=$5
. "$(dirname -- "$0")/lib/common.sh"

file=$WORK/docs/$name.md
source=$templates/guides/$name.md

case $mode in
    run)
        render "$file" "$source" local
        say "wrote $file"
        exit 0
        ;;
    check) ;;
    *) die "unknown mode $mode" ;;
esac

render "$scratch/expected" "$source" local
same "$file" "$scratch/expected"

# Links to files lead somewhere.
tr '\n' ' ' <"$file" | grep -o '](\.[^)]*)' | sed 's/^](//; s/)$//' >"$scratch/links" || true
while read -r link; do
    [ -e "$WORK/docs/$link" ] || no "$file links $link, which does not exist"
done <"$scratch/links"

# knows HELP FLAGS...: every flag is in the help text.
knows() {
    help=$1
    shift
    for word in "$@"; do
        case $word in
            --*) printf '%s\n' "$help" | grep -Eq -e "$word([^a-z-]|\$)" || no "there is no flag $word in: $line" ;;
        esac
    done
}

# What stands in a block of sh is what people type.
awk '/^```sh$/ { on = 1; next } /^```/ { on = 0 } on' "$file" >"$scratch/commands"
[ -s "$scratch/commands" ] || no "$file shows no command"
while read -r line; do
    # shellcheck disable=SC2086 # the words of the line are what is looked at
    set -- $line
    program=$1 command=${2:-}
    shift
    case $program in
        taskmaster)
            if [ "$command" = tasks ]; then command="tasks $2"; fi
            # shellcheck disable=SC2086 # `tasks list` is two words
            help=$("$TASKMASTER" $command --help 2>&1) || no "there is no command: $line"
            knows "$help" "$@"
            ;;
        sample-api)
            help=$("$SAMPLE_API" "$command" --help 2>&1) || no "there is no command: $line"
            knows "$help" "$@"
            ;;
        make) grep -q "^$command:" "$here/../../Makefile" || no "there is no target: $line" ;;
        # Programs of others: that they are used as they want is for a cluster to show.
        cargo | git | kubectl | argocd) ;;
        *) no "$file tells people to type $program" ;;
    esac
done <"$scratch/commands"
say "$file is right: $(wc -l <"$scratch/links") links, $(wc -l <"$scratch/commands") commands"
