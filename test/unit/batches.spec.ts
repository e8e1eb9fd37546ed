import { Batches } from '../../lib/hydrate/batches.js';
import { PassTraffic } from '../../lib/hydrate/pass-traffic.js';

describe('what passes ask for together', () => {
  let traffic: PassTraffic;
  let sizes: number[];
  let answer: (items: readonly number[]) => Promise<number[]>;
  const batchesOf = (most: number) =>
    new Batches<number, number>(most, traffic, (items) => {
      sizes.push(items.length);
      return answer(items);
    });

  beforeEach(() => {
    traffic = new PassTraffic();
    sizes = [];
    answer = (items) => Promise.resolve(items.map((item) => item * 2));
  });

  /** Long enough for what is to happen at once. */
  const aMoment = async () => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  const askAll = (batches: Batches<number, number>, count: number) =>
    Promise.all(Array.from({ length: count }, (_, i) => batches.add(i)));

  it('goes in as few batches as there can be, and each is given its own', async () => {
    traffic.running = 120;
    expect(await askAll(batchesOf(50), 120)).toEqual(Array.from({ length: 120 }, (_, i) => i * 2));
    expect(sizes).toEqual([50, 50, 20]);
    expect(traffic.waiting).toBe(0);
  });

  it('goes at once where nobody else could come', async () => {
    traffic.running = 1;
    const asked = batchesOf(50).add(1);
    await aMoment();
    expect(sizes).toEqual([1]);
    await asked;
  });

  it('waits for those that run and have not asked yet', async () => {
    traffic.running = 2;
    const batches = batchesOf(50);
    const first = batches.add(1);
    await aMoment();
    expect(await Promise.all([first, batches.add(2)])).toEqual([2, 4]);
    expect(sizes).toEqual([2]);
  });

  it('waits for those that are about to run', async () => {
    traffic.running = 1;
    let coming = true;
    traffic.isComing = () => coming;
    const batches = batchesOf(50);
    const first = batches.add(1);
    await aMoment();
    traffic.running = 2;
    coming = false;
    await Promise.all([first, batches.add(2)]);
    expect(sizes).toEqual([2]);
  });

  it('does not wait for ever for a pass that is busy with something else', async () => {
    traffic.running = 2;
    expect(await batchesOf(50).add(1)).toBe(2);
  });

  it('gathers while a batch is under way', async () => {
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    answer = (items) => (items.length === 1 ? held : Promise.resolve()).then(() => [...items]);
    const batches = batchesOf(50);
    traffic.running = 1;
    const first = batches.add(1);
    await aMoment();
    traffic.running = 3;
    const others = [batches.add(2), batches.add(3)];
    await aMoment();
    expect(sizes).toEqual([1]);
    release();
    await Promise.all([first, ...others]);
    expect(sizes).toEqual([1, 2]);
  });
});
