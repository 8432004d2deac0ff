import { beforeEach, describe, expect, test } from '@jest/globals';
import { Gauge, Registry } from 'prom-client';
import { replaceValues } from './replace-values.js';
import { Scrape } from './scrape.js';

const PATIENCE_MS = 50;

describe('a scrape', () => {
  let registry: Registry;
  let scrape: Scrape;
  let free: Gauge;
  beforeEach(() => {
    registry = new Registry();
    scrape = new Scrape(registry, PATIENCE_MS);
    free = new Gauge({ name: 'free', help: 'free', registers: [registry] });
  });

  const show = ({ store }: { store?: number }) => replaceValues(free, store === undefined ? undefined : [[{}, store]]);
  const lines = async () => (await scrape.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  test('shows what it reads at that moment', async () => {
    let space = 7;
    scrape.read({ store: async () => space }, show);
    expect(await lines()).toEqual(['vice_metrics_unavailable{part="store"} 0', 'free 7']);
    space = 8;
    expect(await lines()).toContain('free 8');
  });

  test('leaves out what a part does not say, and says so, until it answers again', async () => {
    let isUp = false;
    const read = async () => {
      if (!isUp) throw new Error('down');
      return 7;
    };
    scrape.read({ store: read }, show);
    expect(await lines()).toEqual(['vice_metrics_unavailable{part="store"} 1']);
    isUp = true;
    expect(await lines()).toEqual(['vice_metrics_unavailable{part="store"} 0', 'free 7']);
    isUp = false;
    expect(await lines()).toEqual(['vice_metrics_unavailable{part="store"} 1']);
  });

  test('waits no longer than its patience, and asks nothing more of a part that still owes an answer', async () => {
    let asked = 0;
    let answer: (value: number) => void = () => undefined;
    scrape.read({ store: () => new Promise<number>((resolve) => ((asked += 1), (answer = resolve))) }, show);
    expect(await lines()).toEqual(['vice_metrics_unavailable{part="store"} 1']);
    const began = performance.now();
    expect(await lines()).toEqual(['vice_metrics_unavailable{part="store"} 1']);
    expect([asked, performance.now() - began < PATIENCE_MS]).toEqual([1, true]);
    answer(1);
    await new Promise(setImmediate);
    const next = lines();
    answer(9);
    expect(await next).toEqual(['vice_metrics_unavailable{part="store"} 0', 'free 9']);
  });

  test('shows one part although another is silent', async () => {
    const other = new Gauge({ name: 'other', help: 'other', registers: [registry] });
    const never = () => new Promise<number>(() => undefined);
    scrape.read<{ store: number; broker: number }>({ store: async () => 7, broker: never }, ({ store, broker }) => {
      show({ store });
      replaceValues(other, broker === undefined ? undefined : [[{}, broker]]);
    });
    expect((await lines()).sort()).toEqual([
      'free 7',
      'vice_metrics_unavailable{part="broker"} 1',
      'vice_metrics_unavailable{part="store"} 0',
    ]);
  });
});
