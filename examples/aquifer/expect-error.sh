#!/bin/sh
# expect-error.sh CODE WORDS [--and WORDS]... COMMAND...: passes if the command ends with that exit code and prints the words
# (grep -E), each of them.
code=$1 words=$2
shift 2
while [ "$1" = --and ]; do
  words="$words
$2"
  shift 2
done
output=$("$@" 2>&1)
got=$?
printf '%s\n' "$output"
[ $got -eq "$code" ] || { echo "exit code $got, expected $code"; exit 1; }
printf '%s\n' "$words" | while IFS= read -r one; do
  printf '%s\n' "$output" | grep -Eq -- "$one" || { echo "not found: $one"; exit 1; }
done || exit 1
echo "failed as it should"
