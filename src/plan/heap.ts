// Whose turn it is, again and again, among many: the rest of the planner is linear.

/**
 * A heap over `items` for repeated "take from the first": change the first item so that it comes later, then `settle`;
 * or take it out. `before` must be a strict total order, so that the result depends on no order of the input.
 */
export interface Heap<T> {
  first(): T | undefined;
  /** The first item was changed. */
  settle(): void;
  removeFirst(): void;
}

/** Takes `items` over: the array is reordered in place. */
export function createHeap<T>(items: T[], before: (a: T, b: T) => boolean): Heap<T> {
  const sink = (start: number): void => {
    let at = start;
    const moving = items[at];
    if (moving === undefined) return;
    for (;;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const [leftItem, rightItem] = [items[left], items[right]];
      if (leftItem === undefined) break;
      const isRight = rightItem !== undefined && before(rightItem, leftItem);
      const child = isRight ? rightItem : leftItem;
      if (!before(child, moving)) break;
      items[at] = child;
      at = isRight ? right : left;
    }
    items[at] = moving;
  };
  for (let at = Math.floor(items.length / 2) - 1; at >= 0; at--) sink(at);
  return {
    first: () => items[0],
    settle: () => sink(0),
    removeFirst: () => {
      const last = items.pop();
      if (last === undefined || items.length === 0) return;
      items[0] = last;
      sink(0);
    },
  };
}
