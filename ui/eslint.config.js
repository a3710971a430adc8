import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/lib/ipc/bindings.ts'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    rules: {
      'no-undef': 'off', // TypeScript knows better.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // State is replaced, not mutated ($state.raw): a Set or Map inside a function needs no proxy.
      'svelte/prefer-svelte-reactivity': 'off',
      'no-control-regex': 'off', // Control characters are what we look for.
      'svelte/no-at-html-tags': 'error', // Everything shown is untrusted text.
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['@tauri-apps/*'], message: 'Only ui/src/lib/ipc may talk to Tauri.' }] },
      ],
    },
  },
  { files: ['src/lib/ipc/**', 'tests/**', '**/*.test.ts'], rules: { 'no-restricted-imports': 'off' } },
);
