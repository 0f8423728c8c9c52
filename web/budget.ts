// A Vite plugin that measures what a first visit downloads (the entry, one page, whatever both
// import statically, their styles, index.html), compressed with brotli as the server does it,
// prints the sum and fails the build when it exceeds the budget.
import { brotliCompressSync, constants } from "node:zlib";
import { readFileSync } from "node:fs";
import type { Plugin, Rolldown } from "vite";

interface Budget {
  /** Module whose chunk counts as the first page, relative to the project root. */
  page: string;
  /** Largest allowed sum, in bytes after brotli 11. */
  maxBytes: number;
}

function brotli(content: string | Uint8Array): number {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
  return brotliCompressSync(content, { params }).length;
}

/** Every file that the given chunks load before they run: static imports and styles. */
function closure(bundle: Rolldown.OutputBundle, roots: string[]): Set<string> {
  const files = new Set<string>();
  const queue = [...roots];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (files.has(name)) continue;
    files.add(name);
    const chunk = bundle[name];
    if (chunk?.type !== "chunk") continue;
    queue.push(...chunk.imports);
    for (const css of chunk.viteMetadata?.importedCss ?? []) files.add(css);
  }
  return files;
}

export function firstLoadBudget(budget: Budget): Plugin {
  return {
    name: "first-load-budget",
    apply: "build",
    enforce: "post",
    writeBundle(_options, bundle) {
      const roots = Object.values(bundle).flatMap((file) =>
        file.type === "chunk" && (file.isEntry || file.facadeModuleId?.endsWith(budget.page)) ? [file.fileName] : [],
      );
      let sum = brotli(readFileSync("public/theme.js"));
      const files = closure(bundle, [...roots, "index.html"]);
      for (const name of files) {
        const file = bundle[name];
        if (file) sum += brotli(file.type === "chunk" ? file.code : file.source);
      }
      const line = `first load: ${(sum / 1000).toFixed(1)} kB brotli in ${files.size + 1} files (budget ${budget.maxBytes / 1000} kB)`;
      if (sum > budget.maxBytes) this.error(line);
      this.info(line);
    },
  };
}
