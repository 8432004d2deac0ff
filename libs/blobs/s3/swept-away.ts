import { ViceError } from '#libs/errors';

export function sweptAway(): ViceError {
  return new ViceError('UNAVAILABLE', 'what was staged has been swept away, because its hold had expired; try again');
}
