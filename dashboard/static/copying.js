/**
 * Handing a text out: to the clipboard, or as a file.
 *
 * Owns how that is done where a browser does not let a page write to the clipboard. Must not know
 * what the text is.
 */

import { make } from "./dom.js";

/** Copy a text; where that is not permitted, show it so that it can be copied by hand. */
export async function copyText(page, text, what) {
  try {
    await navigator.clipboard.writeText(text);
    page.say(`${what} is on the clipboard.`);
  } catch {
    showText(text, what);
  }
}

function showText(text, what) {
  const area = make("textarea", { readonly: true, rows: 16, "aria-label": what });
  const close = make("button", { type: "button" }, "Close");
  const dialog = make(
    "dialog",
    { class: "dialog wide", "aria-labelledby": "copied-title" },
    make("h2", { id: "copied-title" }, what),
    make("p", { class: "hint" }, "This browser does not let the page use the clipboard here."),
    area,
    make("p", { class: "buttons" }, close),
  );
  area.value = text;
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  area.select();
}

/** Let the browser save parts of a text as a file. */
export function saveFile(name, parts, type) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  // The download has to begin before its source goes.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
