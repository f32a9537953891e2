#!/bin/sh
# expect.sh <regex> <command...>: runs the command; succeeds when it does and a line of its output matches the regex.
regex=$1
shift
output=$("$@" 2>&1)
status=$?
printf '%s\n' "$output"
[ "$status" -eq 0 ] || exit "$status"
printf '%s\n' "$output" | grep -Eq -- "$regex" && exit 0
echo "no line of the output matches: $regex"
exit 1
