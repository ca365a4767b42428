// The script by which an instance joins its cluster: reads the join order from AWS Systems Manager until it is taken; pure.
import { defineAskMetadata } from './metadata-script.ts';
import { quoteForSh } from './quote-for-sh.ts';

export interface Following {
  readonly region: string;
  /** Path of the parameters: `/sparkplug/<project>/join`. */
  readonly parameter: string;
  /** Null: the service's own in the region. */
  readonly endpoint: string | null;
}

/** There from the moment the Swarm has taken the machine: from then on its engine comes back by itself. */
export const joinedMark = '/var/lib/sparkplug/joined';
/** The conductor may be built at the same time, with its images. */
const patienceSeconds = 30 * 60;
const firstPauseSeconds = 5;
const longestPauseSeconds = 30;

/**
 * POSIX sh for root of an instance with an engine, curl and Python (which cloud-init itself is written in). Every attempt
 * reads the order anew, so that a token that was changed meanwhile costs one refusal. Nothing secret stands in a command
 * line or a file. Exit codes: 0 in the Swarm, 1 not within 30 minutes, 4 the machine is in another Swarm.
 */
export function renderFollowScript(following: Following): string {
  return `${[...head(following), ...defineAskMetadata, ...readOrder, ...joinByOrder, ...tryUntilJoined].join('\n')}\n`;
}

function head({ region, parameter, endpoint }: Following): readonly string[] {
  const request = { Path: parameter, WithDecryption: true, MaxResults: 10 };
  return [
    '#!/bin/sh',
    '# Joins the cluster by the order that its conductor has left in AWS Systems Manager.',
    'set -u',
    'umask 077',
    `region=${quoteForSh(region)}`,
    `service=${quoteForSh(endpoint ?? serviceUrl(region))}`,
    `first_request=${quoteForSh(JSON.stringify(request))}`,
    "newline='",
    "'",
    `say() { printf '%s\\n' "sparkplug: $*"; }`,
  ];
}

/** As AWS names its regional endpoints; those in China have a domain of their own. */
function serviceUrl(region: string): string {
  return `https://ssm.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`;
}

/** Credentials of the instance profile as settings of curl. */
const toSettings = [
  'import json, sys',
  'found = json.load(sys.stdin)',
  'quoted = lambda text: json.dumps(text, ensure_ascii=False)',
  'print("user = " + quoted(found["AccessKeyId"] + ":" + found["SecretAccessKey"]))',
  'print("header = " + quoted("X-Amz-Security-Token: " + found["Token"]))',
];

/** The next request, `-` for none, and a line with the parameters of this answer. */
const turnPage = [
  'import json, sys',
  'page = json.load(sys.stdin)',
  'request = json.loads(sys.argv[1])',
  'following = page.get("NextToken")',
  'print(json.dumps({**request, "NextToken": following}) if following else "-")',
  'print(json.dumps(page["Parameters"]))',
];

const putTogether = [
  'import base64, hashlib, json, sys',
  'found = {one["Name"].rsplit("/", 1)[1]: one["Value"] for line in sys.stdin for one in json.loads(line)}',
  'if "count" not in found: sys.exit(1)',
  'count, digest = found["count"].split()',
  'text = "".join(found.get(str(number), "") for number in range(1, int(count) + 1))',
  'if hashlib.sha256(text.encode()).hexdigest() != digest: sys.exit(1)',
  'sys.stdout.write(base64.b64decode(text).decode())',
];

/** Prints the order; where there is none, prints why and returns 1. */
const readOrder = [
  `to_settings=${quoteForSh(toSettings.join('\n'))}`,
  `turn_page=${quoteForSh(turnPage.join('\n'))}`,
  `put_together=${quoteForSh(putTogether.join('\n'))}`,
  'ask_service() {',
  '  curl -sS --fail-with-body --max-time 20 --aws-sigv4 "aws:amz:$region:ssm" --config - \\',
  "    -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: AmazonSSM.GetParametersByPath' \\",
  '    --data "$1" "$service" 2>&1 <<END_OF_SETTINGS',
  '$settings',
  'END_OF_SETTINGS',
  '}',
  'read_order() {',
  '  profile=$(ask_metadata meta-data/iam/security-credentials/ -f 2>/dev/null) ||',
  `    { echo 'the instance has no instance profile, or its metadata do not answer'; return 1; }`,
  '  settings=$(ask_metadata "meta-data/iam/security-credentials/$profile" -f 2>/dev/null | python3 -c "$to_settings" 2>/dev/null) ||',
  '    { echo "the instance profile $profile gives no credentials"; return 1; }',
  '  request=$first_request pages=',
  '  until [ "$request" = - ]; do',
  '    page=$(ask_service "$request") ||',
  // Only what the service says of a failure, never an answer.
  `      { echo "AWS Systems Manager refuses the join order: $(printf '%s' "$page" | tail -c 300)"; return 1; }`,
  `    turned=$(printf '%s' "$page" | python3 -c "$turn_page" "$first_request" 2>/dev/null) ||`,
  `      { echo 'AWS Systems Manager gives an answer that cannot be read'; return 1; }`,
  `    request=\${turned%%"$newline"*}`,
  `    pages="$pages\${turned#*"$newline"}$newline"`,
  '  done',
  `  printf '%s' "$pages" | python3 -c "$put_together" 2>/dev/null || { echo 'there is no join order yet'; return 1; }`,
  '}',
];

/** The order is a script of its own; it is read as a whole before its first command runs. */
const joinByOrder = [
  'join_by_order() {',
  '  sh -s <<END_OF_ORDER 2>&1',
  '{',
  '$order',
  '} </dev/null',
  'END_OF_ORDER',
  '}',
  // An attempt that found no answer goes on in the background and would keep every further one out.
  'is_half_joined() {',
  `  case "$(docker info --format '{{.Swarm.LocalNodeState}}' 2>/dev/null)" in pending | error) return 0 ;; esac`,
  '  return 1',
  '}',
];

const tryUntilJoined = [
  `if [ -e ${joinedMark} ]; then exit 0; fi`,
  `deadline=$(($(date +%s) + ${patienceSeconds}))`,
  `pause=${firstPauseSeconds} reason=`,
  'while :; do',
  '  if order=$(read_order); then',
  '    said=$(join_by_order)',
  '    status=$?',
  '    if [ "$status" = 0 ]; then',
  `      mkdir -p ${joinedMark.slice(0, joinedMark.lastIndexOf('/'))} && : >${joinedMark}`,
  '      say "in the cluster"',
  '      exit 0',
  '    fi',
  `    now=$(printf '%s' "$said" | tail -n 2 | tr '\\n' ' ')`,
  '    if is_half_joined; then',
  '      docker swarm leave --force >/dev/null 2>&1',
  '    elif [ "$status" = 4 ]; then',
  '      say "$now"',
  '      exit 4',
  '    fi',
  '  else',
  '    now=$order',
  '  fi',
  '  order= said=',
  // The console keeps little; the same again says nothing new.
  '  if [ "$now" != "$reason" ]; then say "cannot join yet: $now"; fi',
  '  reason=$now',
  '  if [ "$(date +%s)" -ge "$deadline" ]; then',
  `    say "gave up after ${patienceSeconds / 60} minutes: $reason"`,
  '    exit 1',
  '  fi',
  '  sleep "$pause"',
  `  pause=$((pause * 2)); if [ "$pause" -gt ${longestPauseSeconds} ]; then pause=${longestPauseSeconds}; fi`,
  'done',
];
