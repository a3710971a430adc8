export type Toast = {
  id: number;
  text: string;
  tone: 'plain' | 'ok' | 'warn' | 'fail';
  action?: { label: string; run: () => void };
};

/** Short messages at the corner of the window. Those with an action stay longer; failures stay until dismissed. */
export class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  show(text: string, options: { tone?: Toast['tone']; action?: Toast['action']; ms?: number } = {}): number {
    const toast: Toast = { id: this.#next++, text, tone: options.tone ?? 'plain', action: options.action };
    // The same sentence twice is one message.
    this.list = [...this.list.filter((other) => other.text !== text), toast].slice(-4);
    const ms = options.ms ?? (toast.tone === 'fail' ? 0 : toast.action ? 10_000 : 5_000);
    if (ms > 0) setTimeout(() => this.dismiss(toast.id), ms);
    return toast.id;
  }

  dismiss(id: number) {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
