import { join } from 'node:path';
import ts from 'typescript';

/** The options that the tests are compiled with. */
export function compilerOptions(): ts.CompilerOptions {
  const folder = join(process.cwd(), 'test');
  const { config } = ts.readConfigFile(join(folder, 'tsconfig.json'), ts.sys.readFile);
  return ts.parseJsonConfigFileContent(config, ts.sys, folder).options;
}

/** What the compiler has to say about files; empty if they are right. Takes seconds. */
export function complaints(files: readonly string[], options: ts.CompilerOptions = {}): string {
  const program = ts.createProgram([...files], { ...compilerOptions(), ...options, noEmit: true });
  const diagnostics = files
    .map((file) => program.getSourceFile(file)!)
    .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]);
  return ts.formatDiagnostics(diagnostics, {
    getCanonicalFileName: String,
    getCurrentDirectory: ts.sys.getCurrentDirectory,
    getNewLine: () => '\n',
  });
}
