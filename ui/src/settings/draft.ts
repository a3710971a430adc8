/** Settings as typed: text until it is a number within its limits. */
import type { Settings } from '../lib/ipc';

export type NumberField = 'concurrency' | 'timeout_s' | 'history_depth' | 'max_chain' | 'max_layers';

export type NumberRule = { label: string; help: string; unit: string; min: number; max: number; per: number };

/** Limits are the engine's. `per` is how many stored units one shown unit is: a time limit is shown in minutes and stored in seconds. */
export const numberRules: Record<NumberField, NumberRule> = {
  concurrency: {
    label: 'Builds at once',
    help: 'More than one shares the machine; each gets slower.',
    unit: '',
    min: 1,
    max: 32,
    per: 1,
  },
  timeout_s: {
    label: 'Time limit of a build',
    help: 'A build that takes longer is stopped.',
    unit: 'min',
    min: 1,
    max: 10_080,
    per: 60,
  },
  history_depth: {
    label: 'Look back for a base',
    help: 'How many ancestors of a commit are looked at.',
    unit: 'commits',
    min: 1,
    max: 10_000,
    per: 1,
  },
  max_chain: {
    label: 'Longest chain',
    help: 'Incremental builds on top of each other before one is built in full again; 0 for none.',
    unit: 'builds',
    min: 0,
    max: 1000,
    per: 1,
  },
  max_layers: {
    label: 'Most layers of a base',
    help: 'Docker’s older storage stops at 127; export slows down well before.',
    unit: 'layers',
    min: 1,
    max: 120,
    per: 1,
  },
};

/** What is wrong with a typed number, one sentence; nothing if it is fine. */
export function problemOf(typed: string, rule: Pick<NumberRule, 'min' | 'max'>): string | null {
  const value = Number(typed.trim());
  if (!/^\d+$/.test(typed.trim())) return 'A whole number, please.';
  if (value < rule.min || value > rule.max) return `Between ${rule.min} and ${rule.max.toLocaleString('en')}.`;
  return null;
}

/** An image reference as Docker accepts it, roughly: the engine has the last word. */
export function imageProblem(typed: string): string | null {
  if (!typed.trim()) return 'An image, such as gitpod/workspace-full:latest.';
  return /^[a-z0-9][\w.\-/:@]*$/.test(typed.trim()) ? null : 'This is not an image reference.';
}

/** Settings with one number replaced. */
export function withNumber(settings: Settings, field: NumberField, typed: string): Settings {
  return { ...settings, [field]: Number(typed.trim()) * numberRules[field].per };
}

/** A number of the settings as it is shown. */
export function shownNumber(settings: Settings, field: NumberField): string {
  return String(Math.round(settings[field] / numberRules[field].per));
}
