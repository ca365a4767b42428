// The script that looks for the notice of a spot instance and leaves it where the machine's agent finds it; pure.
import { defineAskMetadata } from './metadata-script.ts';

/** Volume whose labels are the notice: the one thing of the machine that an agent in a container can see and a script can make. */
const noticeVolume = 'sparkplug-notice';
/** AWS gives two minutes, and recommends to look every five seconds. */
const pollSeconds = 5;

/**
 * POSIX sh that runs for ever. A notice that is taken back, or that an instance had before it was stopped, goes away; where
 * the metadata do not answer nothing changes.
 */
export function renderNoticeWatcher(): string {
  return `${lines.join('\n')}\n`;
}

const toNotice = [
  'import json, re, sys',
  'found = json.load(sys.stdin)',
  'action, time = found["action"], found["time"]',
  'if not (re.fullmatch("[a-z-]+", action) and re.fullmatch("[0-9TZ:.+-]+", time)): sys.exit(1)',
  'print(action, time)',
];

const lines = [
  '#!/bin/sh',
  '# Notes when AWS is about to take this spot instance back.',
  'set -u',
  "newline='",
  "'",
  ...defineAskMetadata,
  `to_notice='${toNotice.join('\n')}'`,
  'noted=unknown',
  'note() {',
  '  if [ "$1" = "$noted" ]; then return; fi',
  `  docker volume inspect ${noticeVolume} >/dev/null 2>&1 && { docker volume rm ${noticeVolume} >/dev/null || return; }`,
  '  if [ "$1" != none ]; then',
  `    docker volume create --label "sparkplug.notice=\${1% *}" --label "sparkplug.notice-until=\${1#* }" ${noticeVolume} >/dev/null || return`,
  '    echo "sparkplug: AWS takes this instance back: $1"',
  '  fi',
  '  noted=$1',
  '}',
  'while :; do',
  `  if answer=$(ask_metadata meta-data/spot/instance-action -w '\\n%{http_code}'); then`,
  `    case "\${answer##*"$newline"}" in`,
  `      200) found=$(printf '%s' "\${answer%"$newline"*}" | python3 -c "$to_notice") && note "$found" ;;`,
  '      404) note none ;;',
  '    esac',
  '  fi',
  `  sleep ${pollSeconds}`,
  'done',
];
