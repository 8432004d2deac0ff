import { type Socket } from 'node:net';
import { ViceError } from '#libs/errors';
import { type Satellite } from '../satellite.js';
import { Intake } from './intake.js';
import { BrokenLine, TransferLine } from './transfer-line.js';

/**
 * A line for a transfer. Raises BrokenLine where it ended before it was one: a satellite may let go of those that are too many before they have said
 * what they are for.
 */
export async function openLine(
  satellite: Satellite,
  port: number,
  direction: 'upload' | 'download',
  token: string,
): Promise<TransferLine> {
  const intake = new Intake();
  const line = new TransferLine(await dialled(satellite, port, intake), intake, satellite.signal);
  await line.begin(direction, token).catch(() => undefined); // whoever uses the line sees that it broke
  return line;
}

async function dialled(satellite: Satellite, port: number, intake: Intake): Promise<Socket> {
  try {
    return await satellite.dial(port, intake);
  } catch (error) {
    if (!(error instanceof ViceError && error.code === 'ENVIRONMENT_UNREACHABLE')) throw error;
    throw new BrokenLine(error.message, '', { cause: error });
  }
}
