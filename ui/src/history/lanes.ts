/** Where the lines of the graph run, in pixels. Row 0 of the drawn slice begins at y = 0. */
import type { GraphRow } from '../lib/ipc';

export const ROW = 28;
const COLORS = 8;
const WIDEST = 168;
const LEFT = 14;

/** Distance between lanes: narrower the more there are, so that the messages keep their place. */
export function laneGap(lanes: number): number {
  return lanes <= 1 ? 0 : Math.min(13, (WIDEST - 2 * LEFT) / (lanes - 1));
}

export function laneX(lane: number, lanes: number): number {
  return Math.min(WIDEST - LEFT, LEFT + lane * laneGap(lanes));
}

/** Width of the column. */
export function graphWidth(lanes: number): number {
  return Math.ceil(Math.max(44, laneX(lanes - 1, lanes) + LEFT));
}

export function laneColor(color: number): string {
  return `var(--lane-${color % COLORS})`;
}

/** One path per colour for all segments of the slice. */
export function lanePaths(rows: (GraphRow | undefined)[], lanes: number): { color: string; d: string }[] {
  const paths = new Map<string, string>();
  rows.forEach((row, i) => {
    if (!row) return;
    const y = i * ROW + ROW / 2;
    for (const edge of row.edges) {
      const [x, to] = [laneX(edge.from, lanes), laneX(edge.to, lanes)];
      const line =
        x === to ? `M${x} ${y}V${y + ROW}` : `M${x} ${y}C${x} ${y + ROW * 0.6} ${to} ${y + ROW * 0.4} ${to} ${y + ROW}`;
      const color = laneColor(edge.color);
      paths.set(color, (paths.get(color) ?? '') + line);
    }
  });
  return [...paths].map(([color, d]) => ({ color, d }));
}

/** Room for the arcs beside the build column. */
export const GUTTER = 44;

/** An arc from a build down to the base it was made from; it bows further out the longer it is. */
export function arcPath(top: number, bottom: number): string {
  const [y, end] = [top * ROW + ROW / 2, bottom * ROW + ROW / 2];
  const out = GUTTER - 4 - Math.min(GUTTER - 8, 9 + Math.log2(Math.max(1, bottom - top)) * 5.5);
  const bend = Math.min(22, (end - y) / 2);
  return `M${GUTTER - 3} ${y}C${out} ${y} ${out} ${y} ${out} ${y + bend}V${end - bend}C${out} ${end} ${out} ${end} ${GUTTER - 3} ${end}`;
}
