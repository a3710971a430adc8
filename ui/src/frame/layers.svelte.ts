/** What lies over the window: at most one at a time. */
class Layers {
  open = $state<'palette' | 'keys' | 'inbox' | 'engine' | null>(null);

  toggle(name: NonNullable<Layers['open']>) {
    this.open = this.open === name ? null : name;
  }

  set(name: NonNullable<Layers['open']>, open: boolean) {
    if (open) this.open = name;
    else if (this.open === name) this.open = null;
  }
}

export const layers = new Layers();
