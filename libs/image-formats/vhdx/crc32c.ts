const POLYNOMIAL = 0x82f63b78;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** CRC-32C (Castagnoli) of a block whose own checksum, 4 bytes at `offset`, counts as zeros. */
export function crc32cWithout(block: Buffer, offset: number): number {
  let crc = 0xffffffff;
  block.forEach((byte, at) => {
    const value = at >= offset && at < offset + 4 ? 0 : byte;
    crc = TABLE[(crc ^ value) & 0xff]! ^ (crc >>> 8);
  });
  return ~crc >>> 0;
}
