/** Where the nodes of a pipeline's graph lie, in pixels. */
import type { DatumGraph, DatumNode } from '../lib/ipc';

export const NODE = { width: 184, height: 50 };
const GAP = { x: 46, y: 12 };

export type Placed = { node: DatumNode; x: number; y: number };
export type Edge = { key: string; path: string };
export type Layout = { width: number; height: number; nodes: Placed[]; edges: Edge[] };

/** Columns from left to right, each in the middle; edges run from the right side of a node to the left side of another. */
export function layout(graph: DatumGraph): Layout {
  const columns: DatumNode[][] = [];
  for (const node of graph.nodes) (columns[node.column] ??= []).push(node);
  const used = columns.filter((column) => column?.length);
  const tall = (column: DatumNode[]) => column.length * NODE.height + (column.length - 1) * GAP.y;
  const height = Math.max(0, ...used.map(tall));
  const nodes = used.flatMap((column, i) =>
    column.map((node, row) => ({
      node,
      x: i * (NODE.width + GAP.x),
      y: (height - tall(column)) / 2 + row * (NODE.height + GAP.y),
    })),
  );
  const at = new Map(nodes.map((placed) => [placed.node.id, placed]));
  const edges = graph.edges.flatMap(([from, to]) => {
    const [a, b] = [at.get(from), at.get(to)];
    if (!a || !b) return [];
    const [x1, y1] = [a.x + NODE.width, a.y + NODE.height / 2];
    const [x2, y2] = [b.x, b.y + NODE.height / 2];
    const bend = GAP.x / 2;
    // Over columns in between it runs level first, so that it passes above or below what stands there.
    return [
      { key: `${from} ${to}`, path: `M${x1} ${y1}H${x2 - GAP.x}C${x2 - bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` },
    ];
  });
  const width = used.length ? used.length * NODE.width + (used.length - 1) * GAP.x : 0;
  return { width, height, nodes, edges };
}
