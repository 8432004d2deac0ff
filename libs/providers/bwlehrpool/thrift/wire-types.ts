import { Int64, Thrift, type TProtocol } from 'thrift';

/** How values of one kind go over the wire. */
export interface WireType<T> {
  readonly id: Thrift.Type;
  write(out: TProtocol, value: T): void;
  read(input: TProtocol): T;
}

export type ValueOf<W> = W extends WireType<infer T> ? T : never;

export const bool: WireType<boolean> = {
  id: Thrift.Type.BOOL,
  write: (out, value) => out.writeBool(value),
  read: (input) => input.readBool(),
};

export const i32: WireType<number> = {
  id: Thrift.Type.I32,
  write: (out, value) => out.writeI32(value),
  read: (input) => input.readI32(),
};

/** As a bigint, because a number is not exact beyond 2^53. */
export const i64: WireType<bigint> = {
  id: Thrift.Type.I64,
  write: (out, value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    out.writeI64(new Int64(bytes));
  },
  read: (input) => input.readI64().buffer.readBigInt64BE(),
};

export const string: WireType<string> = {
  id: Thrift.Type.STRING,
  write: (out, value) => out.writeString(value),
  read: (input) => input.readString(),
};

/** On the wire the same as a string. */
export const binary: WireType<Buffer> = {
  id: Thrift.Type.STRING,
  write: (out, value) => out.writeBinary(value),
  read: (input) => input.readBinary(),
};

export const list = <T>(of: WireType<T>): WireType<T[]> => ({
  id: Thrift.Type.LIST,
  write: (out, values) => {
    out.writeListBegin(of.id, values.length);
    for (const value of values) of.write(out, value);
    out.writeListEnd();
  },
  read: (input) => {
    const { etype, size } = input.readListBegin();
    expectType(etype, of.id, size);
    const values: T[] = [];
    for (let i = 0; i < size; i++) values.push(of.read(input));
    input.readListEnd();
    return values;
  },
});

/** A map whose keys are strings. */
export const mapOf = <T>(of: WireType<T>): WireType<Map<string, T>> => ({
  id: Thrift.Type.MAP,
  write: (out, values) => {
    out.writeMapBegin(string.id, of.id, values.size);
    for (const [key, value] of values) {
      string.write(out, key);
      of.write(out, value);
    }
    out.writeMapEnd();
  },
  read: (input) => {
    const { ktype, vtype, size } = input.readMapBegin();
    expectType(ktype, string.id, size);
    expectType(vtype, of.id, size);
    const values = new Map<string, T>();
    for (let i = 0; i < size; i++) values.set(string.read(input), of.read(input));
    input.readMapEnd();
    return values;
  },
});

/** The fields of a struct: name → id and type. Any of them may be absent. */
export type Fields = Readonly<Record<string, readonly [id: number, type: WireType<never> | WireType<unknown>]>>;
export type StructOf<F extends Fields> = { -readonly [K in keyof F]?: ValueOf<F[K][1]> };

/** Absent fields are not written. Fields that the table does not know, or that have another type, are skipped. */
export const struct = <const F extends Fields>(fields: F): WireType<StructOf<F>> => {
  const byId = new Map(Object.entries(fields).map(([name, [id, type]]) => [id, { name, type: type as WireType<unknown> }]));
  return {
    id: Thrift.Type.STRUCT,
    write: (out, value) => {
      out.writeStructBegin('');
      for (const [id, { name, type }] of byId) {
        const field = (value as Record<string, unknown>)[name];
        if (field === undefined) continue;
        out.writeFieldBegin(name, type.id, id);
        type.write(out, field);
        out.writeFieldEnd();
      }
      out.writeFieldStop();
      out.writeStructEnd();
    },
    read: (input) => {
      const value: Record<string, unknown> = {};
      input.readStructBegin();
      for (let field = input.readFieldBegin(); field.ftype !== Thrift.Type.STOP; field = input.readFieldBegin()) {
        const known = byId.get(field.fid);
        if (known?.type.id === field.ftype) value[known.name] = known.type.read(input);
        else input.skip(field.ftype);
        input.readFieldEnd();
      }
      input.readStructEnd();
      return value as StructOf<F>;
    },
  };
};

/** An empty collection may be of any type. */
function expectType(found: Thrift.Type, expected: Thrift.Type, size: number): void {
  if (size < 0) throw new Error(`a collection of ${size} elements`);
  if (size > 0 && found !== expected) throw new Error(`a collection of type ${found} where type ${expected} belongs`);
}
