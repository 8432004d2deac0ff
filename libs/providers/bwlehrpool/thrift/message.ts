import { TBinaryProtocol, TFramedTransport, Thrift, type TProtocol } from 'thrift';
import { EXCEPTION, MESSAGE_EXCEPTION, type ExceptionKind, type Method } from './method.js';
import { i32, string, struct } from './wire-types.js';

/** An exception that the service declares, as it came. */
export class RemoteException extends Error {
  constructor(
    readonly kind: ExceptionKind,
    readonly number: number | undefined,
    /** What the server says; often nothing. */
    readonly said: string,
  ) {
    super(`${kind}${number === undefined ? '' : ` ${number}`}${said && `: ${said}`}`);
  }
}

/** What the other side's Thrift says itself, before any service is reached: no such method, a message that it cannot read. */
export class ApplicationException extends Error {
  constructor(
    /** 1: no such method; 6: an error inside; 7: it could not read the message. */
    readonly type: number,
    said: string,
  ) {
    super(said || `application exception of type ${type}`);
  }
}

/** What came is no answer that we understand. */
export class ProtocolFault extends Error {}

/** A result that is not set: how a server of another language says that there is none. */
export class EmptyAnswer extends ProtocolFault {}

/** A whole frame, its length in front. */
export function encodeCall<Args>(method: Pick<Method<Args, unknown>, 'name' | 'args'>, sequence: number, args: Args): Buffer {
  let frame: Buffer = Buffer.alloc(0);
  const transport = newTransport(Buffer.alloc(0), (bytes) => (frame = bytes));
  const out = new TBinaryProtocol(transport) as TProtocol;
  out.writeMessageBegin(method.name, Thrift.MessageType.CALL, sequence);
  method.args.write(out, args);
  out.writeMessageEnd();
  transport.flush();
  return frame;
}

/** What there is to know of a method for reading its answer. */
type Answering<R> = Pick<Method<unknown, R>, 'name' | 'result' | 'throws'>;

/** The sequence number of an answer, and what reads the rest of it. Raises ProtocolFault. */
export function openReply(frame: Buffer): { sequence: number; result<R>(method: Answering<R>): R } {
  const input = new TBinaryProtocol(newTransport(frame), true, true) as TProtocol;
  const { fname, mtype, rseqid } = understood(() => input.readMessageBegin());
  return {
    sequence: rseqid,
    result: (method) => {
      if (mtype === Thrift.MessageType.EXCEPTION) throw understood(() => applicationException(input));
      if (mtype !== Thrift.MessageType.REPLY || fname !== method.name)
        throw new ProtocolFault(`an answer to "${fname}" of type ${mtype}, where one to "${method.name}" is due`);
      return readResult(input, method);
    },
  };
}

function readResult<R>(input: TProtocol, { name, result, throws }: Answering<R>): R {
  const exceptions = throws.map((kind, i) => [`exception${i}`, [i + 1, shapeOf(kind)]] as const);
  const answer = struct({ ...(result && { success: [0, result] as const }), ...Object.fromEntries(exceptions) });
  const fields = understood(() => answer.read(input)) as Record<string, unknown>;
  throws.forEach((kind, i) => {
    const raised = fields[`exception${i}`] as { number?: number; message?: string } | undefined;
    if (raised) throw new RemoteException(kind, raised.number, raised.message ?? '');
  });
  if (result && fields['success'] === undefined) throw new EmptyAnswer(`"${name}" was answered with nothing`);
  return fields['success'] as R;
}

const shapeOf = (kind: ExceptionKind) => (kind === 'authorization' || kind === 'invocation' ? EXCEPTION : MESSAGE_EXCEPTION);

const APPLICATION_EXCEPTION = struct({ message: [1, string], type: [2, i32] });

function applicationException(input: TProtocol): ApplicationException {
  const { type, message } = APPLICATION_EXCEPTION.read(input);
  return new ApplicationException(type ?? 0, message ?? '');
}

/** Whatever the codec stumbles over is the fault of what came. */
function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new ProtocolFault(`an answer that cannot be read: ${(cause as Error).message}`, { cause });
  }
}

type Transport = InstanceType<typeof TFramedTransport>;

/** Its published types leave out that it takes a frame to read from, or a receiver of what is written. */
function newTransport(frame: Buffer, onFlush?: (frame: Buffer) => void): Transport {
  return new (TFramedTransport as unknown as new (frame: Buffer, onFlush?: (frame: Buffer) => void) => Transport)(frame, onFlush);
}
