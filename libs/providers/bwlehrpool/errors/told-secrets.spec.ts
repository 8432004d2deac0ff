import { describe, expect, it } from '@jest/globals';
import { ApplicationException, RemoteException } from '../thrift/message.js';
import { CallDropped } from '../thrift/thrift.connection.js';
import { withoutToldSecrets } from './told-secrets.js';

describe('what a server says of a call', () => {
  it.each([
    [{ login: 'ada', password: 'p$1' }, 'no login ada with p$1', 'no login ada with ***'],
    [{ accessCode: 'c0de' }, 'c0de? c0de!', '***? ***!'],
    [{ userToken: 't0ken', imageBaseId: 'base' }, 'no base for t0ken', 'no base for ***'],
    [{ uploadToken: 'up', userToken: 't0ken' }, 'up of t0ken', '*** of ***'],
    [{ downloadToken: 'down' }, 'down', '***'],
    [{ password: '' }, 'nothing', 'nothing'],
    [{ clientVersion: 5n }, '5', '5'],
  ])('keeps none of its secrets: %#', (args, said, left) => {
    expect(withoutToldSecrets(new RemoteException('authorization', 5, said), args)).toMatchObject({
      kind: 'authorization',
      number: 5,
      said: left,
    });
    const broken = withoutToldSecrets(new ApplicationException(6, said), args);
    expect(broken).toMatchObject({ type: 6, message: left });
  });

  it('is left alone where it is in our words', () => {
    const error = new CallDropped('the connection was closed');
    expect(withoutToldSecrets(error, { password: 'closed' })).toBe(error);
  });
});
