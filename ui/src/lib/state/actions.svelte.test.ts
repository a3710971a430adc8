import { flushSync } from 'svelte';
import { expect, it, vi } from 'vitest';
import { Actions, type Action } from './actions.svelte';

function press(actions: Actions, key: string, options: KeyboardEventInit & { on?: HTMLElement } = {}) {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...options });
  const target = options.on ?? document.body;
  Object.defineProperty(event, 'target', { value: target });
  return actions.press(event);
}

function action(id: string, keys: string[], more: Partial<Action> = {}) {
  return { id, title: id, group: 'Test', keys, run: vi.fn(), ...more };
}

it('runs single keys, chords and sequences', () => {
  const actions = new Actions();
  const [j, palette, history, help] = [
    action('j', ['j']),
    action('palette', ['mod+k']),
    action('history', ['g h']),
    action('help', ['?']),
  ];
  actions.register([j, palette, history, help]);
  press(actions, 'j');
  press(actions, 'k', { ctrlKey: true });
  press(actions, 'g');
  press(actions, 'h');
  press(actions, '?', { shiftKey: true });
  for (const a of [j, palette, history, help]) expect(a.run).toHaveBeenCalledOnce();
});

it('lets a sequence that leads nowhere be an ordinary key', () => {
  const actions = new Actions();
  const j = action('j', ['j']);
  actions.register([j, action('history', ['g h'])]);
  press(actions, 'g');
  press(actions, 'j');
  expect(j.run).toHaveBeenCalledOnce();
});

it('leaves letters to a text field but not the palette', () => {
  const actions = new Actions();
  const input = document.createElement('input');
  const [j, palette] = [action('j', ['j']), action('palette', ['mod+k'], { always: true })];
  actions.register([j, palette]);
  press(actions, 'j', { on: input });
  press(actions, 'k', { ctrlKey: true, on: input });
  expect(j.run).not.toHaveBeenCalled();
  expect(palette.run).toHaveBeenCalledOnce();
});

it('lets the view registered last take over an id, and gives it back', () => {
  const actions = new Actions();
  const [general, special] = [action('search', ['/']), action('search', ['/'])];
  actions.register([general]);
  const leave = actions.register([special]);
  press(actions, '/');
  leave();
  press(actions, '/');
  expect(special.run).toHaveBeenCalledOnce();
  expect(general.run).toHaveBeenCalledOnce();
  expect(actions.list).toHaveLength(1);
});

it('loses nothing when one effect leaves and another comes in the same flush', () => {
  const actions = new Actions();
  let round = $state(0);
  const stop = $effect.root(() => {
    $effect(() => actions.register([action('view' + round, ['v'])]));
    $effect(() => actions.register([action('frame' + round, ['f'])]));
  });
  flushSync();
  flushSync(() => (round = 1));
  expect(actions.list.map((a) => a.id)).toEqual(['frame1', 'view1']);
  stop();
});
