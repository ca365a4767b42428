// `--link 5ms,100mbit`: what every machine's private link delays and lets through.
import { SparkPlugError } from '../../errors.ts';

/** In the words of tc(8); null: not limited. */
export interface LabLink {
  readonly delay: string | null;
  readonly rate: string | null;
}

/**
 * Reads `5ms`, `100mbit` or `5ms,100mbit`; `none` is a link without limits.
 * @throws SparkPlugError USAGE
 */
export function parseLink(text: string): LabLink {
  if (text.trim() === 'none') return { delay: null, rate: null };
  const parts = text.split(',').map((part) => part.trim().toLowerCase());
  const delays = parts.filter((part) => /^\d+(\.\d+)?(us|ms|s)$/.test(part));
  const rates = parts.filter((part) => /^[1-9]\d*(kbit|mbit|gbit)$/.test(part));
  if (delays.length > 1 || rates.length > 1 || delays.length + rates.length !== parts.length) {
    throw new SparkPlugError('USAGE', 'A link is written as its delay, its bandwidth, or both.', {
      place: '--link',
      met: text,
      hint: 'Write for example `--link 5ms,100mbit`, or `--link none`.',
    });
  }
  return { delay: delays[0] ?? null, rate: rates[0] ?? null };
}

/** The command inside the machine that gives its link this shape. */
export function renderLinkCommand({ delay, rate }: LabLink): string {
  return delay === null && rate === null ? 'shape-link clear' : `shape-link set ${delay ?? '-'} ${rate ?? '-'}`;
}

/** Reads what `shape-link show` prints. */
export function readLink(shown: string): { readonly cut: boolean; readonly link: LabLink } {
  const [state = '', shape = ''] = shown.split('\n');
  const [delay = '-', rate = '-'] = shape.trim() === '' ? [] : shape.trim().split(' ');
  return { cut: state.trim() === 'cut', link: { delay: dashToNull(delay), rate: dashToNull(rate) } };
}

function dashToNull(text: string): string | null {
  return text === '-' ? null : text;
}
