#!/bin/sh
# expect-error.sh CODE WORDS COMMAND...: passes if the command ends with that exit code and prints the words (grep -E).
code=$1 words=$2
shift 2
output=$("$@" 2>&1)
got=$?
printf '%s\n' "$output"
[ $got -eq "$code" ] || { echo "exit code $got, expected $code"; exit 1; }
printf '%s\n' "$output" | grep -Eq -- "$words" || { echo "not found: $words"; exit 1; }
echo "failed as it should"
