import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { readmePrograms, readmeText } from './readme-programs.mjs';

/** The README, and its programs laid out as files that can be compiled and run. */
export class Readme {
  readonly text = readmeText;
  readonly programs = readmePrograms();
  /** Where packages are found, and jest transforms nothing. */
  readonly folder: string;

  constructor() {
    const cache = join(process.cwd(), 'node_modules', '.cache');
    mkdirSync(cache, { recursive: true });
    this.folder = mkdtempSync(join(cache, 'readme-'));
    // Below node_modules the compiler goes by the nearest manifest, and ours says CommonJS.
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ type: 'module' }));
    for (const [name, code] of this.programs) {
      writeFileSync(join(this.folder, name), code);
      const { outputText } = ts.transpileModule(code, { compilerOptions: this.compilerOptions() });
      writeFileSync(join(this.folder, name.replace(/ts$/, 'mjs')), outputText);
    }
  }

  /** What the compiler has to say about the programs; empty if they are right. */
  complaints(): string {
    const files = [...this.programs.keys()].map((name) => join(this.folder, name));
    const program = ts.createProgram(files, { ...this.compilerOptions(), noEmit: true });
    const diagnostics = files
      .map((file) => program.getSourceFile(file)!)
      .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]);
    return ts.formatDiagnostics(diagnostics, {
      getCanonicalFileName: String,
      getCurrentDirectory: ts.sys.getCurrentDirectory,
      getNewLine: () => '\n',
    });
  }

  /** Rows of all tables, by the code in their first cell. Cells without backticks. */
  rows(): Map<string, string[]> {
    const rows = this.text
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').slice(1, -1))
      .map((cells) => cells.map((cell) => cell.replaceAll('`', '').trim()));
    return new Map(rows.map((cells) => [cells[0]!, cells]));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private compilerOptions(): ts.CompilerOptions {
    const folder = join(process.cwd(), 'test');
    const { config } = ts.readConfigFile(join(folder, 'tsconfig.json'), ts.sys.readFile);
    return ts.parseJsonConfigFileContent(config, ts.sys, folder).options;
  }
}

/** Members of the interfaces of a file, and the text of their `@default`; null: they have none. */
export function defaultsIn(
  path: string,
  interfaces: Readonly<Record<string, string>>,
): [string, string | null][] {
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  return file.statements
    .filter((statement) => ts.isInterfaceDeclaration(statement) && statement.name.text in interfaces)
    .flatMap((statement) => {
      const { name, members } = statement as ts.InterfaceDeclaration;
      return members.map((member): [string, string | null] => {
        const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default');
        const text = tag && ts.getTextOfJSDocComment(tag.comment);
        return [interfaces[name.text]! + member.name!.getText(file), text?.replaceAll('`', '') ?? null];
      });
    });
}
