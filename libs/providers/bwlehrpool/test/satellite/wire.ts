/** Thrift's strict binary protocol, written from the reference alone: the provider has a codec of another making. */
export type Wire = { type: number; bytes: Buffer };
/** Fields by id. Numbers are numbers, i64 bigints, texts and binaries Buffers, lists arrays, maps arrays of pairs, structs Maps. */
export type Fields = Map<number, unknown>;

const TYPE = {
  stop: 0,
  bool: 2,
  byte: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  string: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
};

const int = (length: 1 | 2 | 4, value: number) => {
  const bytes = Buffer.alloc(length);
  bytes.writeIntBE(value, 0, length);
  return bytes;
};

export const bool = (value: boolean): Wire => ({ type: TYPE.bool, bytes: int(1, value ? 1 : 0) });
export const i32 = (value: number): Wire => ({ type: TYPE.i32, bytes: int(4, value) });
export const i64 = (value: number | bigint): Wire => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return { type: TYPE.i64, bytes };
};
export const binary = (value: Buffer): Wire => ({ type: TYPE.string, bytes: Buffer.concat([int(4, value.length), value]) });
export const text = (value: string): Wire => binary(Buffer.from(value));
export const list = (values: Wire[]): Wire => ({
  type: TYPE.list,
  bytes: Buffer.concat([int(1, values[0]?.type ?? TYPE.string), int(4, values.length), ...values.map(({ bytes }) => bytes)]),
});
export const textMap = (values: Record<string, string>): Wire => ({
  type: TYPE.map,
  bytes: Buffer.concat([
    int(1, TYPE.string),
    int(1, TYPE.string),
    int(4, Object.keys(values).length),
    ...Object.entries(values).flatMap(([key, value]) => [text(key).bytes, text(value).bytes]),
  ]),
});
/** Fields by id; those that are undefined are unset. */
export const struct = (fields: Record<number, Wire | undefined>): Wire => ({
  type: TYPE.struct,
  bytes: Buffer.concat([
    ...Object.entries(fields).flatMap(([id, field]) => (field ? [int(1, field.type), int(2, Number(id)), field.bytes] : [])),
    int(1, TYPE.stop),
  ]),
});

export interface Call {
  name: string;
  sequence: number;
  args: Fields;
}

/** @param frame without its length */
export function decodeCall(frame: Buffer): Call {
  const cursor = new Cursor(frame);
  if (cursor.uint(4) !== 0x80010001) throw new Error('this is no call');
  const name = cursor.take(cursor.uint(4)).toString();
  return { name, sequence: cursor.uint(4), args: cursor.value(TYPE.struct) as Fields };
}

/** A whole frame with its length. `kind`: 2 an answer, 3 an application exception. */
export function encodeReply({ name, sequence }: Pick<Call, 'name' | 'sequence'>, kind: 2 | 3, body: Wire): Buffer {
  const message = Buffer.concat([Buffer.from([0x80, 0x01, 0x00, kind]), text(name).bytes, int(4, sequence), body.bytes]);
  return Buffer.concat([int(4, message.length), message]);
}

class Cursor {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  take(count: number): Buffer {
    if (this.at + count > this.bytes.length) throw new Error('the frame is too short');
    return this.bytes.subarray(this.at, (this.at += count));
  }

  uint = (length: number): number => this.take(length).readUIntBE(0, length);

  value(type: number): unknown {
    switch (type) {
      case TYPE.bool:
        return this.uint(1) === 1;
      case TYPE.byte:
        return this.take(1).readInt8();
      case TYPE.i16:
        return this.take(2).readInt16BE();
      case TYPE.i32:
        return this.take(4).readInt32BE();
      case TYPE.i64:
        return this.take(8).readBigInt64BE();
      case TYPE.double:
        return this.take(8).readDoubleBE();
      case TYPE.string:
        return this.take(this.uint(4));
      case TYPE.struct:
        return this.struct();
      case TYPE.list:
      case TYPE.set: {
        const of = this.uint(1);
        return Array.from({ length: this.uint(4) }, () => this.value(of));
      }
      case TYPE.map: {
        const [key, value] = [this.uint(1), this.uint(1)];
        return Array.from({ length: this.uint(4) }, () => [this.value(key), this.value(value)]);
      }
      default:
        throw new Error(`there is no type ${type}`);
    }
  }

  private struct(): Fields {
    const fields: Fields = new Map();
    for (let type = this.uint(1); type !== TYPE.stop; type = this.uint(1)) {
      const id = this.take(2).readInt16BE();
      fields.set(id, this.value(type));
    }
    return fields;
  }
}
