/** Made-up builds, logs, shells, runs and figures: 500 records, one of them running, one with a log of a million lines. */
import type {
  Build,
  BuildDiff,
  BuildEvent,
  BuildFilter,
  BuildStatus,
  DeletePlan,
  Insights,
  LogLine,
  Phase,
  Run,
  ShellEvent,
  Step,
} from '../../src/lib/ipc';
import { build, step } from '../samples';
import type { Handlers } from './world';

type Listener<T> = { onmessage: (event: T) => void };

const summaries = [
  'parser: accept CRLF at the end of a line',
  'Fix a leak in the module loader when a symbol is missing',
  'deps: bump jemalloc to 5.3.0',
  'LPOS: stop after MAXLEN elements',
  'cluster: do not vote twice in one epoch after a restart',
  'Merge branch ‘feature/streams-trim’ into unstable',
  'tests: wait for the replica instead of sleeping',
  'Speed up HGETALL on listpack hashes by 18 %',
  'docs: say what WAIT returns on timeout',
];
const branches = ['unstable', 'feature/streams-trim', '7.2', 'fix/cluster-vote', 'renovate/jemalloc-5.x'];

const hash = (n: number) => {
  let x = (n + 1) * 2654435761;
  let text = '';
  while (text.length < 40) {
    x = (Math.imul(x ^ (x >>> 15), 2246822519) + 374761393) >>> 0;
    text += x.toString(16).padStart(8, '0');
  }
  return text.slice(0, 40);
};
const id = (n: number) => hash(n * 7 + 3).slice(0, 16);

const fields = [
  { name: 'image.reference', value: 'debian:12' },
  { name: 'image.digest', value: 'sha256:2f7f2c8d1b1c7a3b5f3b2bd5a3e8a4f0d7c1e9b8a7f6e5d4c3b2a19081726354' },
  { name: 'tasks[0].init', value: 'make -j2 BUILD_TLS=yes' },
  { name: 'tasks[1].init', value: 'make test-deps' },
  { name: 'platform', value: 'linux/amd64' },
];

function stepsAt(start: number, kind: 'succeeded' | 'failed' | 'running'): Step[] {
  const done = (n: number, name: string, phase: Phase, from: number, ms: number, part: Partial<Step> = {}) =>
    step(n, { name, phase, status: 'done', started_at: start + from, duration_ms: ms, ...part });
  const list = [
    done(1, '[internal] load build definition from bake.Dockerfile', 'resolve', 60, 40),
    done(2, '[internal] load metadata for docker.io/library/debian:12', 'resolve', 110, 310),
    done(3, '[internal] load .dockerignore', 'context', 430, 20),
    done(4, '[auth] library/debian:pull token for registry-1.docker.io', 'resolve', 130, 190),
    done(5, 'importing cache manifest from registry.local/redis:buildcache', 'cache_import', 450, 260),
    done(6, '[base 1/3] FROM docker.io/library/debian:12@sha256:2f7f2c8d', 'steps', 720, 0, { cached: true }),
    done(7, '[base 2/3] RUN apt-get update && apt-get install -y gcc make libc6-dev libssl-dev', 'steps', 722, 0, {
      cached: true,
    }),
    done(8, '[base 3/3] WORKDIR /workspace/redis', 'steps', 724, 0, { cached: true }),
    done(9, '[internal] load build context', 'context', 440, 180, { current_bytes: 214_000, total_bytes: 214_000 }),
    done(10, '[workspace 1/3] COPY --link changed/ /workspace/redis/', 'steps', 760, 120),
    done(11, '[workspace 2/3] RUN headstart-remove deleted.txt', 'steps', 900, 210),
    done(12, '[workspace 3/3] RUN --mount=type=bind,target=.git tasks', 'steps', 1120, 3380),
    done(13, 'make -j2 BUILD_TLS=yes', 'steps', 1180, 2520, { parent: 12, exit_code: 0 }),
    done(14, 'make test-deps', 'steps', 3720, 760, { parent: 12, exit_code: 0 }),
    done(15, 'exporting to image', 'export', 4520, 560),
    done(16, 'pushing registry.local/redis:9c1e77a with docker', 'push', 5090, 180),
  ];
  if (kind === 'failed') {
    const broken = {
      status: 'failed' as const,
      error: 'process "/bin/sh -c make -j2 BUILD_TLS=yes" did not complete successfully: exit code: 2',
    };
    return list
      .slice(0, 13)
      .map((s) => (s.number === 12 ? { ...s, ...broken } : s.number === 13 ? { ...s, ...broken, exit_code: 2 } : s));
  }
  if (kind === 'running')
    return list.map((s) =>
      s.number < 12
        ? s
        : s.number <= 13
          ? { ...s, status: 'running', duration_ms: null, exit_code: null }
          : { ...s, status: 'pending', started_at: null, duration_ms: null, exit_code: null },
    );
  return list;
}

const E = '\x1b[';
function text(number: number, total: number, failed: boolean): string {
  if (failed && number >= total - 9) {
    return [
      `networking.c: In function ${E}01mcreateClient${E}m:`,
      `${E}01mnetworking.c:214:5: ${E}01;31merror: ${E}m${E}01mimplicit declaration of function ‘connSetNonBlock’ [${E}01;31m-Werror=implicit-function-declaration${E}m]`,
      `  214 |     ${E}01;31mconnSetNonBlock${E}m(conn);`,
      `      |     ${E}01;31m^~~~~~~~~~~~~~~${E}m`,
      `cc1: all warnings being treated as errors`,
      `make[1]: *** [Makefile:382: networking.o] Error 1`,
      `make[1]: *** Waiting for unfinished jobs....`,
      `make[1]: Leaving directory '/workspace/redis/src'`,
      `make: *** [Makefile:6: all] Error 2`,
    ][number - (total - 9)] as string;
  }
  const files = [
    'adlist',
    'quicklist',
    'ae',
    'anet',
    'dict',
    'server',
    'sds',
    'zmalloc',
    'lzf_c',
    'pqsort',
    't_stream',
    'listpack',
  ];
  switch (number % 23) {
    case 0:
      return `make[1]: Entering directory '/workspace/redis/src'`;
    case 4:
      return `    ${E}34mCC${E}0m ${files[number % files.length]}.o`;
    case 7:
      return `${E}01m${E}Kserver.c:${number % 900}:12:${E}m${E}K ${E}01;35m${E}Kwarning: ${E}m${E}Kunused variable ‘now’ [${E}01;35m${E}K-Wunused-variable${E}m${E}K]`;
    case 11:
      return `fetching deps  10%\rfetching deps  55%\rfetching deps 100%  ${E}32mdone${E}0m`;
    case 15:
      return `cc -std=c11 -pedantic -DREDIS_STATIC='' -Wall -W -Wno-missing-field-initializers -O2 -g -ggdb -I../deps/hiredis -I../deps/linenoise -I../deps/lua/src -I../deps/hdr_histogram -I../deps/fpconv -MMD -o ${files[number % files.length]}.o -c ${files[number % files.length]}.c`;
    case 19:
      return number % 4 === 3
        ? `author: ${'\u202e'}gnp.exe <img src=x onerror=alert(1)>`
        : `    ${E}34;1mLINK${E}0m redis-server`;
    default:
      return `    ${E}34mCC${E}0m ${files[number % files.length]}.o`;
  }
}

const MINUTE = 60_000;

export function buildHandlers(now = Date.now()): Handlers {
  const kinds: BuildStatus[] = [
    'succeeded',
    'succeeded',
    'succeeded',
    'failed',
    'succeeded',
    'cancelled',
    'succeeded',
    'succeeded',
    'timed_out',
    'succeeded',
    'interrupted',
    'succeeded',
    'superseded',
  ];
  let all: Build[] = Array.from({ length: 500 }, (_, n): Build => {
    const status: BuildStatus =
      n === 0 ? 'running' : n === 1 ? 'queued' : n === 2 ? 'failed' : (kinds[n % kinds.length] as BuildStatus);
    const full = n % 9 === 5;
    const took = full ? 44_000 + (n % 7) * 900 : 4800 + (n % 11) * 260;
    const created = now - n * 47 * MINUTE - 4000;
    const final = status !== 'running' && status !== 'queued';
    return build({
      id: id(n),
      project: n % 6 === 4 ? 'ba9876543210' : '0123456789ab',
      project_name: n % 6 === 4 ? 'preevy-demo' : 'redis',
      commit: hash(n),
      summary: summaries[n % summaries.length] as string,
      branch: n % 14 === 9 ? null : (branches[n % branches.length] as string),
      status,
      decision: full ? 'full' : 'incremental',
      reason: full
        ? 'Built in full: the init task changed since the nearest build.'
        : 'The nearest usable build is 4 commits back and 12 files apart.',
      base: full ? null : { build: id(n + 4), commit: hash(n + 4), distance: 4, changed_files: 12 },
      chain: full ? 0 : 1 + (n % 4),
      environment_key: hash(1).slice(0, 32),
      code_key: hash(n + 9000).slice(0, 32),
      fields,
      images:
        status === 'succeeded'
          ? [
              {
                target: 'workspace',
                reference: `headstart/redis:${hash(n).slice(0, 12)}`,
                digest: `sha256:${hash(n + 1)}${hash(n + 2).slice(0, 24)}`,
                bytes: 464_000_000 + n * 1_100_000,
              },
            ]
          : [],
      created_at: created,
      started_at: status === 'queued' ? null : status === 'running' ? now - 2900 : created + 300,
      duration_ms: !final ? null : status === 'failed' ? 3700 : took,
      expected_ms: full ? 46_000 : 5300,
      saved_ms: status === 'succeeded' && !full ? 46_200 - took : null,
      pinned: n === 5 || n === 17,
      reused: n % 5,
      error:
        status === 'failed'
          ? '“make -j2 BUILD_TLS=yes” ended with exit code 2'
          : status === 'timed_out'
            ? 'Stopped at the time limit of 1 h'
            : null,
      failed_step: status === 'failed' ? 'make -j2 BUILD_TLS=yes' : null,
      failed_step_number: status === 'failed' ? 13 : null,
      log_lines: n === 3 ? 1_000_000 : status === 'queued' ? 0 : 640,
      warnings: n === 2 ? ['2 submodules are not initialised: their folders are empty in the image.'] : [],
      dirty: n === 6,
    });
  });
  // The one with the long log is an ordinary success.
  all[3] = {
    ...(all[3] as Build),
    status: 'succeeded',
    failed_step: null,
    failed_step_number: null,
    error: null,
    duration_ms: 5300,
    saved_ms: 40_900,
  };

  const find = (build: string) => all.find((b) => b.id === build) ?? (all[0] as Build);
  const complete = (b: Build): Build => ({
    ...b,
    steps:
      b.started_at === null
        ? []
        : stepsAt(b.started_at, b.status === 'running' ? 'running' : b.status === 'failed' ? 'failed' : 'succeeded'),
    phases:
      b.status === 'running' || b.status === 'queued'
        ? []
        : b.status === 'failed'
          ? [
              { phase: 'resolve', duration_ms: 360 },
              { phase: 'context', duration_ms: 90 },
              { phase: 'cache_import', duration_ms: 260 },
              { phase: 'steps', duration_ms: 2940 },
              { phase: 'other', duration_ms: 50 },
            ]
          : [
              { phase: 'resolve', duration_ms: 360 },
              { phase: 'context', duration_ms: 190 },
              { phase: 'cache_import', duration_ms: 260 },
              { phase: 'steps', duration_ms: 3580 },
              { phase: 'export', duration_ms: 560 },
              { phase: 'push', duration_ms: 180 },
              { phase: 'other', duration_ms: 170 },
            ],
  });
  const written: Record<string, number> = {};
  const total = (b: Build, only: number | null) => {
    const lines = written[b.id] ?? b.log_lines;
    return only === null ? lines : only === 13 ? Math.round(lines * 0.8) : only === 12 ? 0 : Math.min(lines, 6);
  };
  const line = (b: Build, only: number | null, number: number): LogLine => ({
    number,
    step: only ?? (number < 30 ? 1 + Math.floor(number / 4) : 13),
    at_ms: Math.round((number / Math.max(1, total(b, only))) * (b.duration_ms ?? 5000)),
    text: text(number, total(b, only), b.status === 'failed'),
  });
  let containers: Run[] = [4, 7].map((n, i) => ({
    id: hash(n + 500),
    name: `headstart-shell-${id(n).slice(0, 6)}`,
    build: id(n),
    project_name: find(id(n)).project_name,
    commit: hash(n),
    created_at: now - (i + 1) * 23 * MINUTE,
    status: i === 0 ? 'Up 23 minutes' : 'Up 46 minutes',
  }));
  let shell: Listener<ShellEvent> | null = null;
  const say = (text: string) => shell?.onmessage({ type: 'output', base64: btoa(unescape(encodeURIComponent(text))) });
  const prompt = '\x1b[1;32mroot@9c1e77a\x1b[0m:\x1b[1;34m/workspace/redis\x1b[0m# ';

  return {
    list_builds: ({ filter }: { filter: BuildFilter }) => {
      const words = filter.text?.toLowerCase();
      const found = all.filter(
        (b) =>
          (!filter.project || b.project === filter.project) &&
          (filter.status.length === 0 || filter.status.includes(b.status)) &&
          (!filter.branch || b.branch === filter.branch) &&
          (!filter.id ||
            (filter.id.startsWith('startswith:') ? b.id.startsWith(filter.id.slice(11)) : b.id === filter.id)) &&
          (!filter.commit || b.commit.startsWith(filter.commit)) &&
          (filter.pinned === null || b.pinned === filter.pinned) &&
          (!words ||
            `${b.id} ${b.commit} ${b.summary} ${b.branch} ${b.project_name} ${b.error}`.toLowerCase().includes(words)),
      );
      const value = (b: Build): number | string =>
        ({
          created: b.created_at,
          duration: b.duration_ms ?? 0,
          status: b.status,
          branch: b.branch ?? '',
          bytes: b.images[0]?.bytes ?? 0,
          saved: b.saved_ms ?? 0,
        })[filter.sort];
      found.sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (filter.ascending ? 1 : -1));
      return { total: found.length, builds: found.slice(filter.offset, filter.offset + (filter.limit || 100)) };
    },
    get_build: ({ build }: { build: string }) => complete(find(build)),
    start_build: () => id(0),
    cancel_build: () => null,
    pin_build: ({ build, pinned }: { build: string; pinned: boolean }) => {
      all = all.map((b) => (b.id === build ? { ...b, pinned } : b));
      return null;
    },
    watch_build: ({ build, events }: { build: string; events: Listener<BuildEvent> }) =>
      new Promise((resolve) => {
        const b = complete(find(build));
        events.onmessage({ type: 'snapshot', build: b, now: Date.now() });
        if (b.status !== 'running') {
          events.onmessage({ type: 'finished', build: b });
          return resolve(null);
        }
        written[b.id] = b.log_lines;
        setInterval(() => {
          const from = written[b.id] ?? 0;
          written[b.id] = from + 7;
          events.onmessage({ type: 'log', lines: Array.from({ length: 7 }, (_, i) => line(b, null, from + i)) });
        }, 90);
      }),
    read_log: ({ build, step, from, count }: { build: string; step: number | null; from: number; count: number }) => {
      const b = find(build);
      const end = Math.min(total(b, step), from + count);
      return {
        total: total(b, step),
        lines: Array.from({ length: Math.max(0, end - from) }, (_, i) => line(b, step, from + i)),
      };
    },
    search_log: ({ build, step, text: words }: { build: string; step: number | null; text: string }) => {
      const b = find(build);
      const hits: number[] = [];
      for (let n = 0; n < total(b, step) && hits.length < 10_000; n++)
        if (line(b, step, n).text.toLowerCase().includes(words.toLowerCase())) hits.push(n);
      return hits;
    },
    open_log: () => null,
    delete_plan: ({ builds }: { builds: string[] }): DeletePlan => {
      const kept = builds.filter((b) => find(b).pinned || find(b).status === 'running');
      const gone = builds.filter((b) => !kept.includes(b));
      return {
        builds: gone,
        images: gone.flatMap((b) =>
          find(b).images.map((i) => ({ build: b, reference: i.reference, bytes: 21_000_000 })),
        ),
        bytes: gone.length * 21_400_000,
        kept: kept.map((b) => ({ build: b, reason: find(b).pinned ? 'pinned' : 'running' })),
        dependants: gone.slice(0, 1),
        engine_checked: true,
      };
    },
    delete_builds: ({ builds }: { builds: string[] }) => {
      all = all.filter((b) => !builds.includes(b.id));
      return { builds, images: [], bytes: 0, kept: [], dependants: [], engine_checked: true };
    },
    diff_builds: ({ left, right }: { left: string; right: string }): BuildDiff => {
      const [a, b] = [complete(find(left)), complete(find(right))];
      const pairs: [string, string | null, string | null][] = [
        ['image.reference', 'debian:12', 'debian:12'],
        ['image.digest', fields[1]?.value ?? '', fields[1]?.value ?? ''],
        ['tasks[0].init', 'make -j2', 'make -j2 BUILD_TLS=yes'],
        ['tasks[1].init', 'make test-deps', 'make test-deps'],
        ['build_args.CFLAGS', null, '-O2'],
        ['commit', a.commit, b.commit],
        ['code_key', a.code_key, b.code_key],
        ['platform', 'linux/amd64', 'linux/amd64'],
      ];
      return {
        left: a,
        right: b,
        fields: pairs.map(([name, left, right]) => ({ name, left, right, equal: left === right })),
        steps: b.steps.map((s, i) => ({
          name: s.name,
          left:
            i === 4
              ? null
              : {
                  ...(a.steps[i] ?? s),
                  duration_ms: (s.duration_ms ?? 0) * (i === 12 ? 9 : 1.1),
                  cached: i < 6 && i > 4,
                },
          right: s,
        })),
      };
    },
    image_detail: ({ build }: { build: string }) => {
      const b = find(build);
      return {
        reference: b.images[0]?.reference ?? '',
        digest: b.images[0]?.digest ?? '',
        bytes: b.images[0]?.bytes ?? 0,
        layers: 14,
        platform: 'linux/amd64',
        created: new Date(b.created_at).toISOString(),
        working_dir: '/workspace/redis',
        user: '',
        env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'BUILD_TLS=yes', 'API_TOKEN=••••••'],
        labels: [
          { name: 'dev.headstart.build', value: b.id },
          { name: 'dev.headstart.commit', value: b.commit },
        ],
        shell_command: `docker run --rm -it ${b.images[0]?.reference ?? ''} /bin/sh`,
      };
    },
    list_runs: () => containers,
    stop_run: ({ run }: { run: string }) => {
      containers = containers.filter((c) => c.id !== run);
      return null;
    },
    open_shell: ({ events }: { events: Listener<ShellEvent> }) =>
      new Promise(() => {
        shell = events;
        setTimeout(() => {
          events.onmessage({ type: 'started', run: 'c0ffee' });
          say(
            `${prompt}ls --color\r\n\x1b[1;34mdeps\x1b[0m  Makefile  README.md  \x1b[1;34msrc\x1b[0m  \x1b[1;34mtests\x1b[0m  \x1b[1;32mrunheadless.sh\x1b[0m\r\n${prompt}`,
          );
        }, 150);
      }),
    write_shell: ({ text }: { text: string }) => {
      say(text === '\r' ? `\r\n${prompt}` : text);
      return null;
    },
    resize_shell: () => null,
    get_insights: (): Insights => ({
      weeks: Array.from({ length: 12 }, (_, i) => ({
        week_at: now - (12 - i) * 7 * 86_400_000,
        saved_ms: [0, 210, 640, 1180, 900, 1720, -95, 1400, 2230, 1980, 2610, 3120].map((s) => s * 1000)[i] ?? 0,
        builds: [3, 9, 21, 34, 28, 41, 6, 37, 52, 47, 60, 71][i] ?? 0,
      })),
      slow_steps: [
        ['make -j2 BUILD_TLS=yes', 31_400, 212],
        ['[base 2/3] RUN apt-get update && apt-get install -y gcc make libc6-dev libssl-dev', 24_900, 14],
        ['make test-deps', 9_100, 212],
        ['exporting to image', 4_300, 340],
        ['[base 1/3] FROM docker.io/library/debian:12', 3_800, 14],
        ['pushing registry.local/redis with docker', 2_200, 188],
        ['[internal] load build context', 640, 340],
      ].map(([name, p50_ms, runs]) => ({ name: name as string, p50_ms: p50_ms as number, runs: runs as number })),
      breakers: [
        { field: 'tasks[0].init', times: 14 },
        { field: 'image.digest', times: 9 },
        { field: 'build_args.CFLAGS', times: 4 },
        { field: 'platform', times: 1 },
      ],
      reality: Array.from({ length: 50 }, (_, i) => {
        const expected = i % 6 === 2 ? 45_000 + (i % 5) * 700 : 5000 + (i % 9) * 300;
        return {
          build: id(i + 5),
          expected_ms: expected,
          duration_ms: Math.round(expected * (0.78 + ((i * 37) % 50) / 100)),
        };
      }),
    }),
  };
}

/** Ids worth a look. */
export const shown = { running: id(0), queued: id(1), failed: id(2), long: id(3), done: id(4) };
