import { expect, test } from '@jest/globals';
import { ConversionProgress } from './conversion-progress.js';

test('a conversion is complete only once its result has been looked at, and never goes back', () => {
  let bytes = 0;
  const progress = new ConversionProgress({ advance: (more) => (bytes += more) }, 1000);
  const seen = [0, 0.5, 0.2, 1].map((fraction) => (progress.converting(fraction), bytes));
  expect(seen).toEqual([0, 450, 450, 900]);
  progress.complete();
  expect(bytes).toBe(1000);
});
