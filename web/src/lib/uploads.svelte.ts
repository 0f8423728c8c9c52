// Reports on their way to the server: one is sent at a time, then its import is polled until it
// is done. shell/UploadTray.svelte shows them; any page may add files.
import { api } from "../api/api.ts";
import { asProblem, type Problem } from "../api/problem.ts";
import type { Import } from "../api/types.ts";
import { uploadReport, type UploadOptions } from "../api/upload.ts";
import { invalidate } from "./query.svelte.ts";

/** How the reader wants the files to be read. */
export type ImportChoice = Pick<UploadOptions, "format" | "asset" | "mapping">;

export type UploadPhase = "waiting" | "sending" | "processing" | "done" | "failed";

export class Upload {
  readonly id: number;
  readonly file: File;
  readonly choice: ImportChoice;
  phase = $state<UploadPhase>("waiting");
  sent = $state(0);
  result = $state.raw<Import | undefined>();
  problem = $state.raw<Problem | undefined>();

  constructor(id: number, file: File, choice: ImportChoice) {
    this.id = id;
    this.file = file;
    this.choice = choice;
  }

  /** 0 to 1, of the step it is in; undefined while the server does not say. */
  get progress(): number | undefined {
    if (this.phase === "sending") return this.file.size === 0 ? 1 : Math.min(1, this.sent / this.file.size);
    return this.phase === "processing" ? this.result?.progress : undefined;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const POLL_MS = { first: 300, longest: 3000 };

class Uploads {
  list = $state<Upload[]>([]);
  #next = 1;
  #busy = false;

  get active(): boolean {
    return this.list.some((u) => u.phase !== "done" && u.phase !== "failed");
  }

  add(files: Iterable<File>, choice: ImportChoice = {}): void {
    const added = Array.from(files, (file) => new Upload(this.#next++, file, choice));
    this.list = [...added.toReversed(), ...this.list];
    void this.#work();
  }

  clearFinished(): void {
    this.list = this.list.filter((u) => u.phase !== "done" && u.phase !== "failed");
  }

  /** Opens the browser's file picker. */
  pick(choice: ImportChoice = {}): void {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.addEventListener("change", () => this.add(input.files ?? [], choice));
    input.click();
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#oldestWaiting(); next; next = this.#oldestWaiting()) await this.#send(next);
    this.#busy = false;
  }

  #oldestWaiting(): Upload | undefined {
    return this.list.findLast((u) => u.phase === "waiting");
  }

  async #send(upload: Upload): Promise<void> {
    upload.phase = "sending";
    try {
      upload.result = await uploadReport(upload.file, { ...upload.choice, onProgress: (sent) => (upload.sent = sent) });
      upload.phase = "processing";
      await this.#follow(upload, upload.result.id);
    } catch (error) {
      upload.problem = asProblem(error);
      upload.phase = "failed";
    }
    invalidate();
  }

  async #follow(upload: Upload, id: number): Promise<void> {
    let wait = POLL_MS.first;
    while (upload.result?.status === "pending" || upload.result?.status === "running") {
      await pause(wait);
      wait = Math.min(POLL_MS.longest, wait * 1.4);
      upload.result = await api.imports.get(id);
    }
    // What was held back has been applied, too: it only closed nothing yet.
    upload.phase = upload.result?.status === "failed" ? "failed" : "done";
  }
}

export const uploads = new Uploads();
