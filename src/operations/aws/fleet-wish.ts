// Which machines a cluster on AWS is to have: from flags, from the tag that remembers them, and back into it. Pure.
import { SparkPlugError } from '../../errors.ts';

/** Equal followers. */
export interface FollowerWish {
  readonly count: number;
  readonly type: string;
  /** Cheaper, and AWS may take it back at any time: compute only. */
  readonly spot: boolean;
}

/** Followers that an Auto Scaling group starts and ends: compute only. */
export interface GroupWish {
  readonly min: number;
  readonly max: number;
  readonly type: string;
  readonly spot: boolean;
}

export interface FleetWish {
  readonly conductor: string;
  readonly followers: readonly FollowerWish[];
  readonly group: GroupWish | null;
  /** Size of each machine's disk. */
  readonly diskGiB: number;
}

export interface FleetFlags {
  readonly conductor: string | null;
  /** `2xm6i.xlarge`, `3`; null: as they are. */
  readonly followers: readonly string[] | null;
  /** `0-8`, `1-4xc6i.xlarge`, `none`; null: as it is. */
  readonly group: string | null;
  readonly spot: boolean;
  readonly diskGiB: number | null;
}

/** Four cores and 16 GiB: room for the conductor and a first worker. */
export const defaultConductor = 't3.xlarge';
const defaultDiskGiB = 50;
const mostFollowers = 500;
const typePattern = '[a-z][a-z0-9-]*\\.[a-z0-9-]+';

/** What the flags say; where they say nothing, what is kept. @throws SparkPlugError USAGE */
export function resolveWish(flags: FleetFlags, kept: FleetWish | null): FleetWish {
  const conductor = parseType(flags.conductor ?? kept?.conductor ?? defaultConductor, '--conductor');
  const followers =
    flags.followers?.map((text) => parseFollowers(text, conductor, flags.spot)) ?? kept?.followers ?? [];
  const wanted = followers.filter(({ count }) => count > 0);
  const followerType = wanted.at(-1)?.type ?? conductor;
  const group =
    flags.group === null
      ? (kept?.group ?? null)
      : parseGroup(flags.group, kept?.group?.type ?? followerType, flags.spot || kept?.group?.spot === true);
  const diskGiB = flags.diskGiB ?? kept?.diskGiB ?? defaultDiskGiB;
  if (!Number.isInteger(diskGiB) || diskGiB < 10 || diskGiB > 16_384) {
    throw wrong('--disk', String(diskGiB), 'a disk has 10 to 16384 GiB');
  }
  const total = wanted.reduce((sum, { count }) => sum + count, 0);
  if (total > mostFollowers) throw wrong('--followers', String(total), `at most ${mostFollowers} followers`);
  return { conductor, followers: wanted, group, diskGiB };
}

/** `2xm6i.xlarge`, `2xm6i.xlarge:spot`, `2`: of the type given. @throws SparkPlugError USAGE */
export function parseFollowers(text: string, type: string, spot: boolean): FollowerWish {
  const match = new RegExp(`^(\\d{1,4})(?:x(${typePattern}))?(:spot)?$`).exec(text.trim());
  if (match === null) throw wrong('--followers', text, 'write 2, 2xm6i.xlarge or 2xm6i.xlarge:spot');
  return { count: Number(match[1]), type: match[2] ?? type, spot: spot || match[3] !== undefined };
}

/** `0-8`, `1-4xc6i.xlarge`, `0-8:spot`, `none`. @throws SparkPlugError USAGE */
export function parseGroup(text: string, type: string, spot: boolean): GroupWish | null {
  if (text.trim() === 'none') return null;
  const match = new RegExp(`^(\\d{1,3})-(\\d{1,3})(?:x(${typePattern}))?(:spot)?$`).exec(text.trim());
  const [min, max] = [Number(match?.[1] ?? 1), Number(match?.[2] ?? 0)];
  if (match === null || max < 1 || min > max) {
    throw wrong('--group', text, 'write 0-8, 1-4xc6i.xlarge, 0-8xc6i.xlarge:spot, or none');
  }
  return { min, max, type: match[3] ?? type, spot: spot || match[4] !== undefined };
}

/** All instance types that the wish names, each once. */
export function typesOf({ conductor, followers, group }: FleetWish): readonly string[] {
  return [...new Set([conductor, ...followers.map(({ type }) => type), ...(group === null ? [] : [group.type])])];
}

/** One entry for each follower, in the order of the wish. */
export function listFollowers({ followers }: Pick<FleetWish, 'followers'>): readonly Omit<FollowerWish, 'count'>[] {
  return followers.flatMap(({ count, type, spot }) => Array.from({ length: count }, () => ({ type, spot })));
}

/** As the tag holds it: `t3.xlarge 2xm6i.large 4xc6i.xlarge:spot group=0-8xc6i.xlarge:spot disk=50`. */
export function renderWish({ conductor, followers, group, diskGiB }: FleetWish): string {
  const spotted = (spot: boolean) => (spot ? ':spot' : '');
  return [
    conductor,
    ...followers.map(({ count, type, spot }) => `${count}x${type}${spotted(spot)}`),
    ...(group === null ? [] : [`group=${group.min}-${group.max}x${group.type}${spotted(group.spot)}`]),
    `disk=${diskGiB}`,
  ].join(' ');
}

/** Null for a text that is not of this form: somebody has changed the tag. */
export function parseWish(text: string): FleetWish | null {
  const [conductor = '', ...words] = text.split(' ');
  const value = (key: string) => words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1) ?? null;
  try {
    return resolveWish(
      {
        conductor,
        followers: words.filter((word) => !word.includes('=')),
        group: value('group'),
        spot: false,
        diskGiB: value('disk') === null ? null : Number(value('disk')),
      },
      null,
    );
  } catch (error) {
    if (error instanceof SparkPlugError) return null;
    throw error;
  }
}

function parseType(text: string, place: string): string {
  if (new RegExp(`^${typePattern}$`).test(text)) return text;
  throw wrong(place, text, 'a type looks like m6i.xlarge');
}

function wrong(place: string, met: string, hint: string): SparkPlugError {
  return new SparkPlugError('USAGE', `${place} cannot be so`, { place, met, hint });
}
