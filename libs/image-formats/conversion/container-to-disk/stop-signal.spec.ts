import { expect, test } from '@jest/globals';
import { signalNumber } from './stop-signal.js';

test.each([
  ['SIGQUIT', 3],
  ['quit', 3],
  ['SigWinch', 28],
  ['9', 9],
  ['64', 64],
  ['SIGRTMIN+3', 37],
  ['rtmin', 34],
  ['RTMAX-1', 63],
  ['SIGRTMAX', 64],
  ['RTMIN+31', 15],
  ['RTMAX-31', 15],
  ['0', 15],
  ['65', 15],
  ['', 15],
  ['TERM; reboot', 15],
  ['toString', 15],
])('the stop signal %j is number %d', (signal, number) => {
  expect(signalNumber(signal)).toBe(number);
});
