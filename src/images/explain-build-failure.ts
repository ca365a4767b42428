// From what a failed build printed to an error of ours: pure, so that each tool's words are tested.
import { type ErrorCode, SparkPlugError } from '../errors.ts';
import type { BuiltImageName } from './image-plan.ts';

/** Lines of the log that go into the message. */
const shownLines = 20;

interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
  readonly place?: string;
  readonly met?: string;
  readonly hint: string;
}

type Rule = readonly [RegExp, (match: RegExpMatchArray) => Finding];

const anywhere: readonly Rule[] = [
  [
    /no space left on device|disk quota exceeded/i,
    () => ({
      code: 'DISK_FULL',
      message: "the disk of Docker's data folder is full",
      hint: 'docker system df; docker system prune',
    }),
  ],
  [
    /(?:returned a non-zero code|exit code): 137\b/,
    () => ({
      code: 'IMAGE_BUILD_FAILED',
      message: 'a step of the build was killed (exit code 137), most likely for lack of memory',
      hint: 'stop what needs memory on this computer, or give Docker more of it, and run the command again',
    }),
  ],
];

/** The index was never reached, so what pip says of the requirement means nothing. */
const unreachable =
  /NewConnectionError|NameResolutionError|CERTIFICATE_VERIFY_FAILED|ConnectTimeoutError|ProxyError|Network is unreachable|Could not transfer artifact|Unknown host|Temporary failure resolving|PKIX path building failed/i;

const ofWorker: readonly Rule[] = [
  [
    /could not find a version that satisfies the requirement (\S+)(?: \(from versions: (.*)\))?/i,
    ([, met = '', versions = 'none']) => requirement(met, describeVersions(versions)),
  ],
  [/no matching distribution found for (\S.*)/i, ([, met = '']) => requirement(met, 'the index has no such package')],
  [/invalid requirement: (\S.*)/i, ([, met = '']) => requirement(met, 'this is no requirement')],
  [
    /cannot install (.+?) because these package versions have conflicting dependencies/i,
    ([, met = '']) => requirement(met, 'these exclude each other'),
  ],
  [
    /failed (?:to build|building wheel for) ['"]?([\w.-]+)/i,
    ([, met = '']) =>
      requirement(met, 'there is no wheel for it, and building it from source failed (no compilers here)'),
  ],
  [
    /could not find artifact (\S+?)(?: in |\s|$)/i,
    ([, met = '']) => jvmPackage(toCoordinates(met), 'no Maven repository has it'),
  ],
  [
    /the following artifacts could not be resolved: (\S+)/i,
    ([, met = '']) => jvmPackage(toCoordinates(met), 'it cannot be resolved'),
  ],
  [/packages: line \d+: '(.+?)' is not/i, ([, met = '']) => jvmPackage(met, 'it is not group:artifact:version')],
  [
    /^(?:\[ERROR\] |.*: )?(\S+:\S+:\S+:\S+) was not found in \S+ during a previous attempt/m,
    ([, met = '']) => jvmPackage(toCoordinates(met), 'no Maven repository has it'),
  ],
  [
    /E: Unable to locate package (\S+)|E: Package '(.+?)' has no installation candidate/,
    ([, located, candidate]) => debianPackage(located ?? candidate ?? '', 'Debian trixie has no such package'),
  ],
  [
    /E: Version '(.+?)' for '(.+?)' was not found/,
    ([, version = '', name = '']) => debianPackage(`${name}=${version}`, 'Debian trixie has another version of it'),
  ],
  [
    /The following packages have unmet dependencies:\s+(\S+) : (\S.*)/,
    ([, met = '', why = '']) => debianPackage(met, why.trim()),
  ],
];

/** @param log all lines that the build printed; @param logFile where they are kept */
export function explainBuildFailure(name: BuiltImageName, log: readonly string[], logFile: string): SparkPlugError {
  // BuildKit puts the step and the seconds before each line.
  const lines = log.map((line) => line.replace(/^#\d+ (?:\d+\.\d+ )?/, ''));
  const finding = findReason(name, lines) ?? {
    code: 'IMAGE_BUILD_FAILED' as const,
    message: `the image ${name} could not be built: ${findLastError(lines)}`,
    hint: 'run the command again; if it fails at the same place, the log says why',
  };
  const tail = lines.filter((line) => line.trim() !== '' && !isPrelude(line)).slice(-shownLines);
  return new SparkPlugError(finding.code, finding.message, {
    ...(finding.place === undefined ? { place: `image ${name}` } : { place: finding.place }),
    ...(finding.met === undefined ? {} : { met: finding.met }),
    hint: `${finding.hint}\nwhole log: ${logFile}\n${tail.map((line) => `  | ${line}`).join('\n')}`,
  });
}

/** The client's advertisement of its newer builder, and lines that only count bytes or name layers. */
function isPrelude(line: string): boolean {
  return /^DEPRECATED|^\s+(?:Install the buildx|https:\/\/docs\.docker\.com|BuildKit is|environment-variable)|^Sending build context|^ ---> /.test(
    line,
  );
}

function findReason(name: BuiltImageName, lines: readonly string[]): Finding | null {
  const text = lines.join('\n');
  for (const [pattern, explain] of anywhere) {
    const match = text.match(pattern);
    if (match !== null) return explain(match);
  }
  const away = lines.find((line) => unreachable.test(line));
  if (away !== undefined) {
    return {
      code: 'IMAGE_BUILD_FAILED',
      message: `the image ${name} could not be built, a package server was not reached: ${away.trim().slice(0, 300)}`,
      hint: 'check the network, the proxy variables and the settings of pip, apt and Maven on this computer',
    };
  }
  if (name !== 'worker') return null;
  for (const [pattern, explain] of ofWorker) {
    const match = text.match(pattern);
    if (match !== null) return explain(match);
  }
  return null;
}

/** The builder's last line only repeats the command; the one before says what went wrong. */
function findLastError(lines: readonly string[]): string {
  const errors = lines.filter((line) => /error|failed|fatal|E: |cannot|not found/i.test(line));
  const own = errors.filter((line) => !/returned a non-zero code|did not complete successfully|DEPRECATED/i.test(line));
  return (own.at(-1) ?? errors.at(-1) ?? lines.at(-1) ?? 'without a word').trim().slice(0, 300);
}

function describeVersions(versions: string): string {
  if (versions === 'none') return 'the index has no such package for this Python';
  const listed = versions.split(', ');
  return `there is no such version (newest: ${listed.slice(-3).join(', ')})`;
}

function requirement(met: string, why: string): Finding {
  return {
    code: 'REQUIREMENT_FAILED',
    message: `the requirement ${met.trim()} cannot be installed: ${why}`,
    place: 'requirements',
    met: met.trim(),
    hint: 'correct its name or version in the requirements file',
  };
}

function jvmPackage(met: string, why: string): Finding {
  return {
    code: 'PACKAGE_FAILED',
    message: `the package ${met} cannot be resolved: ${why}`,
    place: 'packages',
    met,
    hint: 'correct group:artifact:version in sparkplug.yaml',
  };
}

function debianPackage(met: string, why: string): Finding {
  return {
    code: 'APT_FAILED',
    message: `the Debian package ${met} cannot be installed: ${why}`,
    place: 'apt',
    met,
    hint: 'correct its name or version in sparkplug.yaml',
  };
}

/** Maven writes `group:artifact:jar:version`. */
function toCoordinates(artifact: string): string {
  const parts = artifact.replace(/[.,]$/, '').split(':');
  return parts.length === 4 ? [parts[0], parts[1], parts[3]].join(':') : artifact;
}
