import { join } from 'node:path';
import { ViceError } from '#libs/errors';
import { runTool, type ToolLimits, type ToolRun } from '../tools/run-tool.js';
import { type Converted, type ConversionWork } from './conversion-work.js';
import { LIMITS_OF_LOOKING, limitsOfConversion } from './disk-limits.js';
import { canBeChecked, checkedInfo, driverOf, progressIn, sourceArguments, targetArguments, type Driver } from './qemu-disk.js';

/** By `qemu-img check`: space is lost, the guest's data is whole. */
const LEAKS = 3;

/**
 * One disk format into another by qemu-img, of which nothing is believed: the format is always named, and what it finds in the source must be
 * what inspection has found. Raises CONTENT_REFUSED, IMAGE_TOO_LARGE, STORAGE_FULL, TOOLS_MISSING and the signal's reason.
 */
export async function convertDisk(work: ConversionWork): Promise<Converted> {
  const { conversion, source, folder } = work;
  const from = driverOf(conversion.from);
  const to = driverOf(conversion.to);
  const [info, version] = await Promise.all([
    qemuImg(work, ['info', '--output=json', ...sourceArguments(from, source.file)], LIMITS_OF_LOOKING),
    qemuImg(work, ['--version'], LIMITS_OF_LOOKING),
  ]);
  const size = checkedInfo(info, from, source.file);
  if (to === 'raw' && size > work.maxBytes)
    throw new ViceError(
      'IMAGE_TOO_LARGE',
      `as ${conversion.to} this disk takes ${size} bytes; at most ${work.maxBytes} are taken here`,
    );

  const { reservedBytes, maxBytes } = work;
  const limits = limitsOfConversion({
    sourceBytes: source.bytes.size,
    reservedBytes,
    diskBytes: size,
    isRaw: to === 'raw',
    maxBytes,
  });
  const options = ['-p', ...orderOf(to), ...targetArguments(to, conversion.subformat)];
  const file = join(folder, 'disk');
  // Damage shows while it is converted, not before: most disks have none. The first to fail ends the other, for the same reason.
  const failed = new AbortController();
  const both = { ...work, signal: AbortSignal.any([work.signal, failed.signal]) };
  const steps = [
    check(both, from, limits),
    qemuImg(both, ['convert', ...options, ...sourceArguments(from, source.file), file], limits, {
      onOutput: (text) => {
        const fraction = progressIn(text);
        if (fraction !== null) work.progress(fraction);
      },
    }),
  ];
  for (const step of steps) step.catch((error: unknown) => failed.abort(error));
  await Promise.allSettled(steps);
  await Promise.all(steps);
  return {
    file,
    contentType: conversion.to,
    tool: `qemu-img ${/version (\S+)/.exec(version)?.[1] ?? 'of unknown version'}`,
    arguments: ['convert', ...options, ...sourceArguments(from, 'source'), 'result'],
  };
}

async function check(work: ConversionWork, driver: Driver, limits: ToolLimits): Promise<void> {
  if (!canBeChecked(driver)) return;
  await qemuImg(work, ['check', '-q', '-f', driver, work.source.file], limits, { harmlessCodes: [LEAKS] });
}

/** Parts of the disk may be written in any order, several at once; a format that is written from its beginning to its end takes them as they come. */
function orderOf(to: Driver): string[] {
  return to === 'raw' || to === 'qcow2' ? ['-W'] : [];
}

async function qemuImg(work: ConversionWork, args: string[], limits: ToolLimits, more: Partial<ToolRun> = {}): Promise<string> {
  const { source, folder, signal } = work;
  return runTool({ command: 'qemu-img', args, reads: [source.file], folder, limits, signal, ...more });
}
