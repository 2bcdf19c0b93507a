/**
 * The question for the token, where the server wants one.
 *
 * Owns the form and where the token is kept: in this tab, until it is closed. Must not know what
 * the token opens.
 */

import { part, setText } from "./dom.js";

const KEY = "task-coordinator-token";

/** The token that this tab was given before, or an empty text. */
export function keptToken() {
  return sessionStorage.getItem(KEY) ?? "";
}

/** A view of the form; `authorize(token)` is called with what was entered. */
export function createToken(form, authorize) {
  const words = part(form, "words");
  const input = form.querySelector("input");

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = input.value.trim();
    sessionStorage.setItem(KEY, token);
    input.value = "";
    authorize(token);
  });

  return function draw({ connection }) {
    const wanted = connection.name === "token";
    if (wanted && form.hidden) {
      const wrong = keptToken() !== "";
      sessionStorage.removeItem(KEY);
      setText(words, wrong ? "That is not this server's token." : "This server wants its token.");
      form.hidden = false;
      input.focus();
    }
    form.hidden = !wanted;
  };
}
