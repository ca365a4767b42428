// A log of any length: only the lines in sight are in the page. Follows its end until the reader scrolls away.
import { useVirtualizer } from '@tanstack/react-virtual';
import { ChevronDown, ChevronUp, Download } from 'lucide-react';
import { type KeyboardEvent, useDeferredValue, useEffect, useId, useMemo, useRef, useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { Switch } from 'react-aria-components/Switch';
import { findLines, levelOf, splitMatches } from '../find-lines.ts';
import { formatCount } from '../format.ts';

interface LogViewProps {
  readonly label: string;
  readonly lines: readonly string[];
  /** Lines dropped before the first. */
  readonly dropped: number;
  /** True while more lines may come. */
  readonly isLive: boolean;
  /** Where the whole log can be fetched. */
  readonly downloadUrl: string;
  readonly downloadName: string;
}

const lineHeight = 20;

export function LogView({ label, lines, dropped, isLive, downloadUrl, downloadName }: LogViewProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(true);
  const [typed, setTyped] = useState('');
  const [current, setCurrent] = useState(0);
  const search = useDeferredValue(typed);
  const id = useId();
  const found = useMemo(() => findLines(lines, search), [lines, search]);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => lineHeight,
    overscan: 30,
  });

  useEffect(() => {
    if (follow && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [follow, lines.length, rows]);

  const goTo = (index: number): void => {
    if (found.length === 0) return;
    const wrapped = (index + found.length) % found.length;
    setCurrent(wrapped);
    setFollow(false);
    rows.scrollToIndex(found[wrapped] ?? 0, { align: 'center' });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    goTo(current + (event.shiftKey ? -1 : 1));
  };
  /** Whoever scrolls up wants to read; whoever comes back to the end wants to follow again. */
  const onScroll = (): void => {
    const element = frame.current;
    if (element === null) return;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 2 * lineHeight;
    if (!isAtEnd && follow && element.scrollTop < lastTop.current) setFollow(false);
    lastTop.current = element.scrollTop;
  };
  const lastTop = useRef(0);

  return (
    <div className="log">
      <div className="log-tools">
        <div className="log-search">
          <label className="visually-hidden" htmlFor={`${id}-search`}>
            Search the log
          </label>
          <input
            id={`${id}-search`}
            className="input"
            type="search"
            placeholder="Search the log"
            value={typed}
            onChange={(event) => {
              setTyped(event.target.value);
              setCurrent(-1);
            }}
            onKeyDown={onKeyDown}
          />
          <Button
            className="button icon quiet"
            aria-label="Previous match"
            isDisabled={found.length === 0}
            onPress={() => goTo(current - 1)}
          >
            <ChevronUp size={18} aria-hidden />
          </Button>
          <Button
            className="button icon quiet"
            aria-label="Next match"
            isDisabled={found.length === 0}
            onPress={() => goTo(current + 1)}
          >
            <ChevronDown size={18} aria-hidden />
          </Button>
          <span className="muted small number nowrap" role="status">
            {search === '' ? '' : describeMatches(found.length, current)}
          </span>
        </div>
        <div className="actions">
          <Switch className="switch" isSelected={follow} onChange={setFollow}>
            <span className="track" aria-hidden />
            Follow
          </Switch>
          <a className="button slim" href={downloadUrl} download={downloadName}>
            <Download size={15} aria-hidden />
            Download
          </a>
        </div>
      </div>
      {dropped === 0 ? null : (
        <p className="log-note small">
          The first {formatCount(dropped)} lines are not shown here; the download has them all.
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard. */}
      <section className="log-frame" ref={frame} onScroll={onScroll} tabIndex={0} aria-label={label}>
        {lines.length === 0 ? (
          <p className="log-empty muted">{isLive ? 'Nothing printed yet.' : 'This log is empty.'}</p>
        ) : (
          <div className="log-lines" style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map(({ index, start }) => {
              const line = lines[index] ?? '';
              return (
                <div
                  key={index}
                  className="log-line"
                  data-level={levelOf(line) ?? undefined}
                  data-current={found[current] === index ? true : undefined}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <span className="log-number" aria-hidden>
                    {dropped + index + 1}
                  </span>
                  <LogText line={line} search={search} />
                </div>
              );
            })}
          </div>
        )}
      </section>
    </div>
  );
}

function LogText({ line, search }: { readonly line: string; readonly search: string }) {
  return (
    <span>
      {splitMatches(line, search).map(({ text, isMatch, at }) => (isMatch ? <mark key={at}>{text}</mark> : text))}
    </span>
  );
}

function describeMatches(count: number, current: number): string {
  if (count === 0) return 'no match';
  const lines = `${formatCount(count)} ${count === 1 ? 'line' : 'lines'}`;
  return current < 0 ? lines : `${formatCount(current + 1)} of ${lines}`;
}
