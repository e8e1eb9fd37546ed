/** Room for what follows a first piece: mostly there is none. */
const FIRST_GROWTH = 16_384;

const NOTHING = Buffer.alloc(0);

/**
 * Bytes that come in pieces, kept in one. As a list, a body of one megabyte that is sent byte by byte would take half a
 * gigabyte, since each piece is an object.
 */
export class GrowingBuffer {
  private held: Buffer = NOTHING;
  private length = 0;

  /** @param most bytes that are going to be added at most */
  constructor(private readonly most: number) {}

  /** How many bytes of memory this takes. */
  get capacity(): number {
    return this.held.length;
  }

  /** What has come so far. */
  get bytes(): Buffer {
    return this.held.subarray(0, this.length);
  }

  /** @returns by how many bytes the capacity has grown */
  add(piece: Buffer): number {
    const before = this.held.length;
    const length = this.length + piece.length;
    if (this.length === 0) this.held = piece;
    else {
      if (length > before) {
        const larger = Buffer.allocUnsafe(Math.min(this.most, Math.max(length, before * 2, FIRST_GROWTH)));
        this.held.copy(larger, 0, 0, this.length);
        this.held = larger;
      }
      piece.copy(this.held, this.length);
    }
    this.length = length;
    return this.held.length - before;
  }

  /** Forgets everything, and takes no memory any more. */
  clear(): void {
    this.held = NOTHING;
    this.length = 0;
  }
}
