// SPDX-License-Identifier: Apache-2.0
// Writes runs as `tandem run` leaves them: many tests, every status, and texts that mean harm.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const EVIL =
  '</script><script>window.harmed=1</script><img src=x onerror="window.harmed=1"><!-- " \' & \u2028 {{style}}';

const FAMILIES = ['precopy', 'multifd', 'postcopy', 'file', 'colo', 'tls', 'cpr', 'cancel'];
const REASONS = [
  'suites/precopy_test.cc:41\nValue of: destination()\nExpected: has consistent state\n  Actual: 17 pages are stale, the first is page 0x2b5e',
  'suites/colo_test.cc:77\nDEADLINE_EXCEEDED: timed out after 30 s waiting for event RESUME of secondary; last events:\n  primary {"event": "STOP"}',
  `suites/tls_test.cc:19\n${EVIL}`,
];

// The same numbers at each run.
function makeRandom(seed) {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

function statusOf(index) {
  if (index % 41 === 7) return 'FAILED';
  if (index % 125 === 11) return 'TIMED_OUT';
  if (index % 250 === 13) return 'CRASHED';
  if (index % 200 === 17) return 'NOT_RUN';
  if (index % 25 === 3) return 'KNOWN_DEFECT';
  return index % 12 === 5 ? 'SKIPPED' : 'PASSED';
}

function coloTimeline(random, failed) {
  const lane = (role, offset) => ({
    role,
    start_ms: 2 + offset,
    end_ms: 3052,
    guest: [[232 + offset, 'running']],
    migration: [
      [447, 'setup'],
      [452, 'active'],
      [664 + offset, 'colo'],
    ],
    checkpoints: [],
    serial: Array.from({ length: 60 }, (_, index) => 250 + index * 45),
    marks: [[446, 'command', 'migrate-set-parameters {"x-checkpoint-delay":300}']],
  });
  const lanes = [lane('primary', 0), lane('secondary', 6)];
  for (let ms = 1000; ms < 2800; ms += 300 + random() * 30) {
    for (const each of lanes) {
      const pause = 60 + random() * 60;
      each.guest.push([ms, 'stopped'], [ms + pause, 'running']);
      each.checkpoints.push([ms, ms + pause]);
    }
  }
  lanes[0].remaining = [
    [453, 154198016],
    [664, 0],
  ];
  lanes[0].passes = [[574, 2]];
  lanes[1].marks.push(
    [2911, 'fault', 'kill secondary'],
    [2912, 'process', 'ended with signal 9 (SIGKILL)'],
  );
  lanes[0].marks.push(
    [2913, 'fault', 'yank {"instances":[{"type":"migration"}]}'],
    [2914, 'event', `COLO_EXIT ${EVIL}`],
  );
  return {
    schema: 1,
    end_ms: 3100,
    teardown_ms: 2990,
    lanes,
    notes: [[2910, 'test', 'failover to the primary']],
    ...(failed
      ? {
          failure: {
            ms: 2985,
            text: REASONS[1],
            awaited: 'event RESUME of secondary',
            awaited_since_ms: 2915,
          },
        }
      : {}),
  };
}

function precopyTimeline(random, failed) {
  const passes = [],
    remaining = [[590, 170000000]];
  for (let pass = 2, ms = 700; pass < 10; ++pass, ms += 60 + random() * 50) {
    passes.push([ms, pass]);
    remaining.push([ms, 170000000 / (pass * pass)]);
  }
  return {
    schema: 1,
    end_ms: 1690,
    teardown_ms: 1600,
    lanes: [
      {
        role: 'source',
        start_ms: 3,
        end_ms: 1690,
        guest: [
          [46, 'running'],
          [1400, 'stopped'],
          [1420, 'postmigrate'],
        ],
        migration: [
          [580, 'setup'],
          [583, 'active'],
          [1400, 'device'],
          [1418, failed ? 'failed' : 'completed'],
        ],
        passes,
        remaining: [...remaining, [1420, 0]],
        serial: Array.from({ length: 50 }, (_, index) => 46 + index * 27),
        marks: [
          [581, 'command', 'migrate {"uri":"tcp:127.0.0.1:4444"}'],
          [1300, 'command', 'migrate-set-parameters {"max-bandwidth":10000000000}'],
        ],
      },
      {
        role: 'destination',
        start_ms: 5,
        end_ms: 1680,
        guest: [
          [5, 'inmigrate'],
          [1422, 'running'],
        ],
        migration: [
          [580, 'setup'],
          [582, 'active'],
          [1417, 'completed'],
        ],
        serial: [1430, 1480, 1530],
        marks: [[1450, 'note', 'RAM oracle: consistent: all 25600 pages']],
      },
    ],
    ...(failed ? { failure: { ms: 1590, text: REASONS[0] } } : {}),
  };
}

function measurementsOf(family, random, factor) {
  const around = (ms) => +(ms * factor * (0.7 + random() * 0.8)).toFixed(3);
  if (family !== 'colo')
    return {
      downtime_ms: Math.round(around(40)),
      total_time_ms: Math.round(around(180)),
      transferred_bytes: 154198016,
      passes: 2,
    };
  return {
    primary_pauses_ms: [around(95), around(90), around(100)],
    secondary_pauses_ms: [around(70), around(80)],
    takeover_ms: around(14),
    yank_ms: 0.5,
  };
}

function recordOf(index, pair, random, factor) {
  const family = FAMILIES[index % FAMILIES.length],
    test = `${family}/Suite${index % 7}Test.GuestResumesOnDestination/Variant${index}`,
    status = statusOf(index);
  const wrong = ['FAILED', 'TIMED_OUT', 'CRASHED'].includes(status);
  const record = {
    schema: 3,
    id: `${pair ? `${pair}/` : ''}${family}.${test}`,
    test,
    family,
    attempt: 1,
    status,
    seconds: +(0.4 + random() * 3 * factor).toFixed(3),
    scenarios: ['A1', `M${index % 15}`],
  };
  if (pair) record.pair = pair;
  if (status === 'NOT_RUN') record.reason = 'the run was interrupted';
  else
    Object.assign(record, {
      started: '2026-11-21T04:28:08.187Z',
      machine_type: index % 2 ? 'q35' : 'pc',
      accelerator: 'tcg',
      versions: { source: '10.0.13', destination: '11.1.3' },
      output: `tests/${index}`,
    });
  if (status === 'PASSED')
    Object.assign(record, {
      measurements: measurementsOf(family, random, factor),
      phases: { boot: 0.2, migrate: 0.18, verify: 0.03, teardown: 0.06 },
    });
  if (status === 'SKIPPED') record.reason = 'QEMU 7.2 has no capability mapped-ram';
  if (status === 'KNOWN_DEFECT')
    Object.assign(record, {
      known_defect: 'stale-ram',
      reason: 'known defect stale-ram: pages of the secondary are stale',
    });
  if (wrong)
    Object.assign(record, {
      reason:
        status === 'CRASHED'
          ? 'signal 6 (SIGABRT)'
          : status === 'TIMED_OUT'
            ? 'no end after 120 s'
            : REASONS[(index >> 3) % 3],
      fingerprint: `f${status.length}${(index >> 3) % 3}`,
    });
  return record;
}

function writeFiles(folder, record, random) {
  if (!record.output) return;
  const path = join(folder, record.output),
    wrong = record.fingerprint !== undefined;
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'stdout.txt'), 'x\n');
  if (record.status === 'SKIPPED') return;
  const timeline =
    record.family === 'colo' ? coloTimeline(random, wrong) : precopyTimeline(random, wrong);
  writeFileSync(join(path, 'timeline.json'), JSON.stringify(timeline));
  record.timeline = `${record.output}/timeline.json`;
  if (!wrong) return;
  record.artifacts = record.output;
  writeFileSync(
    join(path, 'reproduce.sh'),
    `#!/bin/bash\n# ${EVIL}\n${'qemu-system-x86_64 -name source -machine pc \\\n'.repeat(120)}`,
  );
  writeFileSync(join(path, 'failure.txt'), record.reason);
}

// A run of `count` tests; every duration is `factor` times as long.
export function writeRun(folder, { count, factor = 1, seed = 7, pairs = [''] }) {
  const random = makeRandom(seed),
    records = [];
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < count; ++index) {
    const record = recordOf(index, pairs[index % pairs.length], random, factor);
    if (index === 29)
      Object.assign(record, {
        status: 'FAILED',
        reason: REASONS[0],
        fingerprint: 'f60',
        measurements: undefined,
      });
    writeFiles(folder, record, random);
    records.push(record);
    if (index === 29)
      records.push({
        ...record,
        attempt: 2,
        status: 'PASSED',
        reason: undefined,
        fingerprint: undefined,
      });
  }
  writeFileSync(
    join(folder, 'results.jsonl'),
    records.map((record) => `${JSON.stringify(record)}\n`).join(''),
  );
  writeFileSync(
    join(folder, 'run.json'),
    JSON.stringify({
      schema: 1,
      started: '2026-11-21T04:28:08.187Z',
      finished: '2026-11-21T04:41:12.000Z',
      interrupted: '',
      command: ['tandem', 'run', '--filter', EVIL],
      host: {
        cpus: '2',
        memory: '24 GiB',
        kernel: 'Linux 6.1.0',
        architecture: 'x86_64',
        system: 'Debian GNU/Linux 12',
      },
      qemu: { 7.2: '7.2.22 (Debian)', 11.1: '11.1.3 (Debian)' },
      jobs: 2,
      seed: 7,
      shard_index: 1,
      shard_count: 1,
      tests: records.map((record) => record.id),
      all_tests: [],
    }),
  );
  return records;
}
