#!/bin/sh
# Approves reading in office hours, and has no opinion about anything else (empty output): the other doors are asked.
#
#   sallyport serve --policy policy.json --on-hold examples/hooks/office-hours.sh
#   sallyport serve --policy policy.json --on-hold "OPENS=8 CLOSES=20 examples/hooks/office-hours.sh"
#
# The question is JSON on standard input, the answer JSON on standard output (docs/hooks.md). Try it with a time of
# your own, day of the week (1 is Monday) and hour:  echo '{"method":"GET"}' | NOW="1 10" examples/hooks/office-hours.sh
set -eu

# Parsed, and not searched for text: the agent writes much of what is in there.
method=$(node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).method')
now=${NOW:-$(date '+%u %H')}
day=${now% *}
hour=${now#* }

if [ "$method" = GET ] && [ "$day" -le 5 ] && [ "$hour" -ge "${OPENS:-9}" ] && [ "$hour" -lt "${CLOSES:-18}" ]; then
  echo '{"verdict":"approve","grant":"once","by":"office hours"}'
fi
