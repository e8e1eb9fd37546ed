const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Ids and other draws, the same for the same seed and the same order of calls. Not for secrets. */
export class Random {
  private state: number;

  constructor(private readonly seed: number) {
    this.state = seed >>> 0;
  }

  /** Text of `length` letters and digits. */
  text(length: number): string {
    let text = '';
    while (text.length < length) {
      text += ALPHABET[Math.floor(this.next() * ALPHABET.length)];
    }
    return text;
  }

  /** A number in [0, 1) that depends on the seed and on `key` only, not on what was drawn before. */
  of(key: string): number {
    let hash = 0x811c9dc5 ^ this.seed;
    for (let i = 0; i < key.length; i++) {
      hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
    }
    return mix(hash + 0x6d2b79f5);
  }

  private next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    return mix(this.state);
  }
}

/** The output step of mulberry32. */
function mix(state: number): number {
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
