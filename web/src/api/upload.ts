// Sends a report file with progress. fetch() cannot report upload progress, so this one call
// uses XMLHttpRequest; errors and CSRF are the same as in client.ts.
import { apiPath, currentCsrfToken, raise } from "./client.ts";
import { offline, problemFrom } from "./problem.ts";
import type { Import } from "./types.ts";

export interface UploadOptions {
  /** `auto` lets the server recognise the format by content. */
  format?: string;
  /** Asset to book the findings on, when the report names none or the wrong one. */
  asset?: string;
  /** Saved mapping that says what the columns mean. */
  mapping?: string;
  signal?: AbortSignal;
  onProgress?: (sent: number, total: number) => void;
}

/**
 * Uploads one report; the answer is the import, still pending: poll it for progress.
 * @throws {Problem} when the server refuses it or does not answer.
 */
export function uploadReport(file: File, options: UploadOptions = {}): Promise<Import> {
  const { format = "auto", asset, mapping, signal, onProgress } = options;
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("POST", apiPath("/imports", { filename: file.name, format, asset, mapping, wait: false }));
    const csrf = currentCsrfToken();
    if (csrf !== undefined) xhr.setRequestHeader("X-CSRF-Token", csrf);
    // The server looks at the content; a wrong guess of the browser would only mislead.
    xhr.setRequestHeader("Content-Type", "application/octet-stream");
    xhr.upload.addEventListener("progress", (event) => onProgress?.(event.loaded, event.total || file.size));
    xhr.addEventListener("load", () => {
      try {
        if (xhr.status >= 200 && xhr.status < 300) resolve(JSON.parse(xhr.responseText) as Import);
        else raise(problemFrom(xhr.status, (name) => xhr.getResponseHeader(name), xhr.responseText));
      } catch (error) {
        reject(error);
      }
    });
    xhr.addEventListener("error", () => reject(offline()));
    xhr.addEventListener("abort", () => reject(new DOMException("Upload cancelled", "AbortError")));
    signal?.addEventListener("abort", () => xhr.abort());
    xhr.send(file);
  });
}
