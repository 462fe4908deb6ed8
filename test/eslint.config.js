// The lint rules: what types alone cannot refuse. Formatting is prettier's, import arrows are test/rooms.test.ts's.

import { fileURLToPath } from 'node:url'

import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Everything non-deterministic reaches the core through a seam, so that one seed replays a whole run. */
const SEAM_OF = {
  clock: 'Ask the injected Clock (src/lib/clock.ts).',
  random: 'Take randomness as a parameter or from an injected source.',
  fetch: 'Take bytes from an injected seam; only platform rooms speak to the network.',
}

const FORBIDDEN_GLOBALS = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'].map((name) => ({
    name,
    message: SEAM_OF.clock,
  })),
  ...['performance', 'requestAnimationFrame', 'requestIdleCallback'].map((name) => ({ name, message: SEAM_OF.clock })),
  ...['fetch', 'XMLHttpRequest', 'WebSocket', 'EventSource'].map((name) => ({ name, message: SEAM_OF.fetch })),
]

const FORBIDDEN_SYNTAX = [
  { selector: 'MemberExpression[object.name="Date"][property.name="now"]', message: SEAM_OF.clock },
  { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: SEAM_OF.clock },
  { selector: 'CallExpression[callee.name="Date"]', message: SEAM_OF.clock },
  { selector: 'MemberExpression[object.name="Math"][property.name="random"]', message: SEAM_OF.random },
  {
    selector: 'MemberExpression[object.name="crypto"][property.name=/^(getRandomValues|randomUUID)$/]',
    message: SEAM_OF.random,
  },
  { selector: 'MemberExpression[object.name="AbortSignal"][property.name="timeout"]', message: SEAM_OF.clock },
  // The same names through the global object.
  {
    selector:
      'MemberExpression[object.name=/^(globalThis|self)$/][property.name=/^(setTimeout|setInterval|setImmediate|performance|fetch|WebSocket|Date)$/]',
    message: `${SEAM_OF.clock} ${SEAM_OF.fetch}`,
  },
]

const PASS_REASONS_ON = { allowThrowingAny: true, allowThrowingUnknown: true }

/** Rooms that touch the world, and the one clock that does. */
const OUTSIDE_THE_CORE = [
  'src/platform/**',
  'src/{cli,rest,bridge,devnet}/**',
  'src/{browser,nodejs}.ts',
  'src/entries/*.{browser,nodejs}.ts',
  'src/lib/{systemclock,systemrandom}.ts',
]

export default defineConfig(
  {
    ignores: [
      ...['**/dist/**', '**/node_modules/**', '**/.cache/**', '.docs/**', 'test/vectors/**', 'test/bench/peers/**'],
      ...['wasm/*/assembly/**', 'wasm/*/*wasm.ts'], // AssemblyScript, and the modules that embed what it compiles to.
    ],
  },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: ROOT } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/ban-ts-comment': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-array-delete': 'error',
      '@typescript-eslint/no-base-to-string': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-for-in-array': 'error',
      '@typescript-eslint/no-implied-eval': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      // `signal.reason` is typed `any`, and passing it on is the rule of every wait.
      '@typescript-eslint/only-throw-error': ['error', PASS_REASONS_ON],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', PASS_REASONS_ON],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
      'no-constant-condition': ['error', { checkLoops: false }],
      'no-control-regex': 'error',
      'no-empty': 'error',
      'no-fallthrough': 'error',
      'no-param-reassign': 'error',
      'no-self-compare': 'error',
      'no-unsafe-finally': 'error',
      'no-var': 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      'prefer-const': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: OUTSIDE_THE_CORE,
    rules: {
      'no-console': 'error',
      'no-restricted-globals': ['error', ...FORBIDDEN_GLOBALS],
      'no-restricted-syntax': ['error', ...FORBIDDEN_SYNTAX],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A test says what it expects by comparing; awkward values are its business.
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  {
    files: ['**/*.js'],
    rules: { eqeqeq: 'error', 'no-var': 'error', 'prefer-const': 'error', 'no-undef': 'off' },
  },
)
