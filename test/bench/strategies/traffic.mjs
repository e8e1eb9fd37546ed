import { sample, seeded } from './random.mjs';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** Of all webhooks, those that never come. */
const LOST_SHARE = 0.01;

/** From a change to the arrival of its webhook. */
const DELIVERY_MS = [300, 2_000];

const BURSTS = 10;
const BURST_MS = 5_000;
const BURST_OFFSET_MS = 60_000;

/** The host's endpoint is down. */
const OUTAGE = { from: 12 * HOUR_MS, to: 13 * HOUR_MS };

/** How many changes each shape has by default; only the first two are scaled. */
export const SHAPES = {
  steady: { changes: 10_000, scales: true, place: steadily(5) },
  bursty: { changes: 10_000, scales: true, place: inBursts },
  quiet: { changes: 100, scales: false, place: steadily(1) },
};

/**
 * One day of changes, in order of their times (milliseconds since its beginning). The n-th change of a record carries the
 * sequence number n; what becomes of its webhook is decided here, so that all strategies meet the same.
 */
export function makeTraffic(shape, { seed, changes: wanted, faults }) {
  const { changes, scales, place } = SHAPES[shape];
  const count = scales && wanted !== undefined ? wanted : changes;
  const random = seeded(seed);
  const places = place(count, random).sort((one, other) => one.at - other.at);
  const lost = sample(random, count, faults ? Math.round(count * LOST_SHARE) : 0);
  const sequences = new Map();
  return {
    shape,
    outage: faults ? OUTAGE : null,
    records: [...new Set(places.map(({ record }) => record))],
    changes: places.map(({ at, record }, i) => {
      const sequence = (sequences.get(record) ?? 0) + 1;
      sequences.set(record, sequence);
      const [least, most] = DELIVERY_MS;
      return { at, record, sequence, lost: lost.has(i), deliveryMs: least + random() * (most - least) };
    }),
  };
}

/** Spread at random over the day. */
function steadily(changesPerRecord) {
  return (count, random) => {
    const records = Math.ceil(count / changesPerRecord);
    return Array.from({ length: count }, () => ({
      at: random() * DAY_MS,
      record: `cus_${Math.floor(random() * records)}`,
    }));
  };
}

/** Hours apart, each of records of its own, ten changes a record. The sixth begins within the outage. */
function inBursts(count, random) {
  const size = Math.ceil(count / BURSTS);
  // Not all at the same place within a second: how many events the last second of a burst holds matters to who reads the log.
  const offsets = Array.from({ length: BURSTS }, () => random() * BURST_OFFSET_MS);
  return Array.from({ length: count }, (_, i) => {
    const burst = Math.floor(i / size);
    return {
      at: (burst + 0.1) * (DAY_MS / BURSTS) + offsets[burst] + random() * BURST_MS,
      record: `cus_${burst}_${Math.floor(random() * Math.ceil(size / 10))}`,
    };
  });
}
