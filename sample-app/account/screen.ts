import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';

/** The account, in several lines or in one. `last`: nothing will be shown after it. */
export interface ShownAccount {
  readonly block: readonly string[];
  readonly line: string;
  readonly last: boolean;
}

/** Where the account is shown. Interface and token of one name. */
export abstract class Screen {
  /** How often `show` is worth calling. */
  abstract readonly refreshMs: number;
  /** The account so far, in place of what was shown before where that is possible. */
  abstract show(account: ShownAccount): void;
  /** Text that stays; what was shown stays above it. */
  abstract say(...lines: readonly string[]): void;
}

export function screenOn(output: WriteStream): Screen {
  return output.isTTY && process.env.TERM !== 'dumb' ? new LiveScreen(output) : new PlainScreen(output);
}

class LiveScreen extends Screen {
  readonly refreshMs = 200;
  private shown = 0;

  constructor(private readonly output: WriteStream) {
    super();
  }

  show({ block }: ShownAccount): void {
    moveCursor(this.output, 0, -this.shown);
    cursorTo(this.output, 0);
    clearScreenDown(this.output);
    // A line that wraps would be two to go back over.
    this.say(...block.map((line) => line.slice(0, this.output.columns - 1)));
    this.shown = block.length;
  }

  say(...lines: readonly string[]): void {
    this.shown = 0;
    this.output.write(lines.map((line) => `${line}\n`).join(''));
  }
}

class PlainScreen extends Screen {
  readonly refreshMs = 2_000;

  constructor(private readonly output: NodeJS.WritableStream) {
    super();
  }

  show({ block, line, last }: ShownAccount): void {
    if (last) this.say('', ...block);
    else this.say(line);
  }

  say(...lines: readonly string[]): void {
    this.output.write(lines.map((line) => `${line}\n`).join(''));
  }
}
