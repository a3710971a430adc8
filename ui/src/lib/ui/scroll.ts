/**
 * Where a long list of equal rows is scrolled to.
 *
 * Browsers cap an element's height (WebKit and Blink at 33,554,428 px) and lose sub-pixel precision long before. The list
 * therefore has two rulers: `offset`, the true position in all the rows, and `top`, the scroll position of an element that
 * is never taller than `MAX_HEIGHT`. Up to that height they are the same number.
 */
export const MAX_HEIGHT = 8_000_000;

export type Rulers = { rows: number; rowHeight: number; viewport: number };

/** Height of the scrolled element. */
export function spacerHeight({ rows, rowHeight }: Rulers): number {
  return Math.min(rows * rowHeight, MAX_HEIGHT);
}

/** Largest true offset. */
export function maxOffset({ rows, rowHeight, viewport }: Rulers): number {
  return Math.max(0, rows * rowHeight - viewport);
}

function maxTop(rulers: Rulers): number {
  return Math.max(0, spacerHeight(rulers) - rulers.viewport);
}

export function isScaled({ rows, rowHeight }: Rulers): boolean {
  return rows * rowHeight > MAX_HEIGHT;
}

/** Scroll position that shows a true offset. */
export function topFor(offset: number, rulers: Rulers): number {
  if (!isScaled(rulers)) return offset;
  const most = maxOffset(rulers);
  return most === 0 ? 0 : (offset / most) * maxTop(rulers);
}

/**
 * True offset after the element was scrolled from `before` to `top`. A small move is a wheel, a key or a touch and moves as
 * many pixels as it says; a large one is the scrollbar's thumb and is a share of the whole.
 */
export function offsetAfter(offset: number, before: number, top: number, rulers: Rulers): number {
  const most = maxOffset(rulers);
  if (!isScaled(rulers)) return clamp(top, 0, most);
  if (top <= 0) return 0;
  if (top >= maxTop(rulers) - 0.5) return most;
  const moved = top - before;
  if (Math.abs(moved) <= rulers.viewport) return clamp(offset + moved, 0, most);
  return clamp((top / maxTop(rulers)) * most, 0, most);
}

/** Rows to draw, `first` inclusive and `last` exclusive, with some beyond each edge. */
export function visibleRows(offset: number, rulers: Rulers, beyond = 8): { first: number; last: number } {
  const first = Math.floor(offset / rulers.rowHeight) - beyond;
  const last = Math.ceil((offset + rulers.viewport) / rulers.rowHeight) + beyond;
  return { first: clamp(first, 0, rulers.rows), last: clamp(last, 0, rulers.rows) };
}

/** Offset that brings a row into view: moved as little as possible, or to the middle. */
export function offsetFor(
  row: number,
  offset: number,
  rulers: Rulers,
  align: 'nearest' | 'center' = 'nearest',
): number {
  const { rowHeight, viewport } = rulers;
  const start = row * rowHeight;
  const most = maxOffset(rulers);
  if (align === 'center') return clamp(start - (viewport - rowHeight) / 2, 0, most);
  if (start < offset) return clamp(start, 0, most);
  if (start + rowHeight > offset + viewport) return clamp(start + rowHeight - viewport, 0, most);
  return offset;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
