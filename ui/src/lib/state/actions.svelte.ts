import { chordOf, isTyping } from '../ui/keys';

export type Action = {
  /** Unique; a view that registers the same id takes it over while it is shown. */
  id: string;
  title: string;
  /** Heading in the palette and in the overview of keys. */
  group: string;
  /** Chords as in `keys.ts`: "mod+k", "g h". */
  keys?: string[];
  /** Left out of the palette: moving in a list and the like. */
  quiet?: boolean;
  /** Also while a text field has the focus. */
  always?: boolean;
  run: () => void;
};

const everywhere = new Set(['Go to', 'Data', 'Projects', 'Window']);

/**
 * Everything the user can do now, for the palette, the keys and the overview. Views register what they offer:
 * `$effect(() => actions.register([...]))`.
 */
export class Actions {
  // The truth is not reactive: what an effect's teardown reads of a signal is its value before the flush, and two views
  // that change places in one flush would lose each other's actions.
  #layers: Action[][] = [];
  #shown = $state.raw<Action[][]>([]);
  #pending = '';
  #forget: ReturnType<typeof setTimeout> | undefined;

  /** All actions, the ones registered last first, each id once. */
  list = $derived.by(() => {
    const seen = new Set<string>();
    const all = [...this.#shown].reverse().flatMap((layer) => layer.filter((a) => !seen.has(a.id) && seen.add(a.id)));
    // What belongs to the screen comes before what is always there.
    return all.sort((a, b) => Number(everywhere.has(a.group)) - Number(everywhere.has(b.group)));
  });

  /** Offers actions until the returned function is called. */
  register(actions: Action[]): () => void {
    this.#shown = this.#layers = [...this.#layers, actions];
    return () => {
      this.#shown = this.#layers = this.#layers.filter((layer) => layer !== actions);
    };
  }

  /** Runs what a key press stands for; returns whether it did. Call from one listener on the window. */
  press(event: KeyboardEvent): boolean {
    const chord = chordOf(event);
    if (!chord || event.defaultPrevented) return false;
    const typing = isTyping(event.target);
    const sequence = this.#pending ? `${this.#pending} ${chord}` : chord;
    this.#clear();
    for (const keys of sequence === chord ? [chord] : [sequence, chord]) {
      const action = this.list.find((a) => (!typing || a.always) && a.keys?.includes(keys));
      if (action) {
        event.preventDefault();
        action.run();
        return true;
      }
    }
    if (!typing && this.list.some((a) => a.keys?.some((k) => k.startsWith(chord + ' ')))) {
      this.#pending = chord;
      this.#forget = setTimeout(() => this.#clear(), 1200);
    }
    return false;
  }

  #clear() {
    clearTimeout(this.#forget);
    this.#pending = '';
  }
}

export const actions = new Actions();
