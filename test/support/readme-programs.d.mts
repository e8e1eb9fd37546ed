/** What README.md says. */
export declare const readmeText: string;

/** The code blocks of the README whose first line names a file, by that name. */
export declare function readmePrograms(): Map<string, string>;
