#!/bin/sh
# An approval hook for `sallyport serve --on-hold`: JSON of the question on standard input, JSON answer on
# standard output. It approves reading in office hours, and has no opinion about anything else (empty output),
# so that the other doors are asked.
#
#   sallyport serve --policy policy.json --on-hold examples/hooks/office-hours.sh
question=$(cat)
hour=$(date +%H)
case $question in
  *'"method":"GET"'*)
    if [ "$hour" -ge 9 ] && [ "$hour" -lt 18 ]; then
      echo '{"verdict":"approve","grant":"once","by":"office hours"}'
    fi ;;
esac
