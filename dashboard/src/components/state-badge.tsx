// States by colour, shape and word, so that none of the three is needed alone.
import {
  Ban,
  Circle,
  CircleCheck,
  CircleDashed,
  CircleX,
  Clock,
  LoaderCircle,
  type LucideIcon,
  Minus,
  TriangleAlert,
  Unplug,
} from 'lucide-react';
import type { ComponentHealth, RunState, Step } from '../api-types.ts';

type Tone = 'good' | 'wait' | 'bad' | 'busy' | 'none';

interface Look {
  readonly tone: Tone;
  readonly icon: LucideIcon;
  readonly turning?: boolean;
}

type AnyState = RunState | ComponentHealth['state'] | Step['state'];

const looks: Readonly<Record<AnyState, Look>> = {
  queued: { tone: 'none', icon: Clock },
  starting: { tone: 'wait', icon: CircleDashed },
  running: { tone: 'busy', icon: LoaderCircle, turning: true },
  publishing: { tone: 'busy', icon: LoaderCircle, turning: true },
  succeeded: { tone: 'good', icon: CircleCheck },
  failed: { tone: 'bad', icon: CircleX },
  cancelled: { tone: 'none', icon: Ban },
  ready: { tone: 'good', icon: CircleCheck },
  failing: { tone: 'bad', icon: TriangleAlert },
  missing: { tone: 'bad', icon: CircleX },
  away: { tone: 'wait', icon: Unplug },
  pending: { tone: 'none', icon: Circle },
  done: { tone: 'good', icon: CircleCheck },
  skipped: { tone: 'none', icon: Minus },
};

export function StateBadge({ state }: { readonly state: AnyState }) {
  const { tone } = looks[state];
  return (
    <span className="badge" data-tone={tone}>
      <StateGlyph state={state} size={15} />
      {state}
    </span>
  );
}

/** The shape alone; the word stands beside it or in the name of what it belongs to. */
export function StateGlyph({ state, size }: { readonly state: AnyState; readonly size: number }) {
  const { tone, icon: Icon, turning } = looks[state];
  return <Icon size={size} data-tone={tone} className={turning === true ? 'glyph turning' : 'glyph'} aria-hidden />;
}
