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
  let answered = true;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = input.value.trim();
    sessionStorage.setItem(KEY, token);
    input.value = "";
    answered = true;
    authorize(token);
  });

  return function draw({ connection }) {
    const wanted = connection.name === "token";
    if (wanted && answered) {
      const wrong = keptToken() !== "";
      sessionStorage.removeItem(KEY);
      setText(words, wrong ? "That is not this server's token." : "This server wants its token.");
    }
    answered = !wanted;
    const appears = wanted && form.hidden;
    form.hidden = !wanted;
    if (appears) {
      input.focus();
    }
  };
}
