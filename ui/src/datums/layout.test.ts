import { expect, it } from 'vitest';
import { graph } from '../../tests/mock/data';
import { layout, NODE } from './layout';

it('stands in columns, each in the middle, and fits its frame', () => {
  const { nodes, width, height } = layout(graph);
  const at = Object.fromEntries(nodes.map(({ node, x, y }) => [node.id, { x, y }]));
  expect(at.source?.x).toBe(0);
  expect(at.in!.y - at.source!.y, 'two of a column do not touch').toBeGreaterThan(NODE.height);
  expect(at.map!.y + NODE.height / 2, 'a lone one stands in the middle').toBe(height / 2);
  expect(at.out!.x + NODE.width).toBe(width);
});

it('draws each edge from side to side, and none to what is not there', () => {
  const { edges } = layout({ ...graph, edges: [...graph.edges, ['map', 'gone']] });
  expect(edges.map((edge) => edge.key)).not.toContain('map gone');
  expect(edges.find((edge) => edge.key === 'map out')?.path).toMatch(/^M644 56H/);
});

it('leaves no room for a column without nodes', () => {
  const only = { ...graph, nodes: graph.nodes.filter((node) => node.column !== 1) };
  expect(layout(only).width).toBe(3 * NODE.width + 2 * 46);
  expect(layout({ nodes: [], edges: [], combined: '' })).toEqual({ width: 0, height: 0, nodes: [], edges: [] });
});
