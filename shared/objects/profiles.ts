/** @file The settings of a profile in `~/.aws/config` and `~/.aws/credentials`. Pure. */

/** The settings of a profile by their names, in lower case. */
export type Profile = Readonly<Record<string, string>>;

/** The settings of one profile in the text of such a file; undefined where it has no such profile. */
export function profileIn(text: string, name: string): Profile | undefined {
  const wanted = new Set([name, `profile ${name}`]);
  let found: Record<string, string> | undefined;
  let isHere = false;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line)?.[1]?.replace(/\s+/g, ' ');
    if (section !== undefined) {
      isHere = wanted.has(section);
      if (isHere) found ??= Object.create(null) as Record<string, string>;
    } else if (isHere && found !== undefined) {
      // Nested settings, such as those of one service, are indented and not for us.
      const [, key, value] = /^([A-Za-z0-9_.-]+)\s*=\s*(.*?)(?:\s+[#;].*)?$/.exec(line) ?? [];
      if (key !== undefined && value !== undefined) found[key.toLowerCase()] = value.trim();
    }
  }
  return found;
}
