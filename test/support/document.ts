import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { compilerOptions, complaints } from './compiler.js';
import { programsIn } from './readme-programs.mjs';

/** A page of documentation, and its programs laid out as files that can be compiled and run. */
export class Document {
  readonly text: string;
  /** Where packages are found, and jest transforms nothing. */
  readonly folder: string;

  /** @param basis its programs lie beside this page's, which may import them */
  constructor(path: string, basis?: Document) {
    this.text = readFileSync(join(process.cwd(), path), 'utf8');
    const cache = join(process.cwd(), 'node_modules', '.cache');
    mkdirSync(cache, { recursive: true });
    this.folder = mkdtempSync(join(cache, 'document-'));
    // Below node_modules the compiler goes by the nearest manifest, and ours says CommonJS.
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ type: 'module' }));
    for (const [name, code] of [...(basis?.programs() ?? []), ...this.programs()]) {
      writeFileSync(join(this.folder, name), code);
      const { outputText } = ts.transpileModule(code, { compilerOptions: compilerOptions() });
      writeFileSync(join(this.folder, name.replace(/ts$/, 'mjs')), outputText);
    }
  }

  /** Code blocks whose first line names a file. */
  programs(): Map<string, string> {
    return programsIn(this.text);
  }

  /** What the compiler has to say about the programs; empty if they are right. */
  complaints(): string {
    return complaints([...this.programs().keys()].map((name) => join(this.folder, name)));
  }

  /** Files that it links to. */
  links(): string[] {
    return [...this.text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path!);
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
