/* Passkeys: asks the browser, puts its answer into the form, and sends the form as any other.

   Without this script the button stays hidden, and the page says what else there is. */
"use strict";

(() => {
  // A challenge is good for ten minutes; a page that has been open for longer gets a new one first.
  const FRESH = 9 * 60 * 1000;
  const AGAIN = "#passkey";
  const supported = window.PublicKeyCredential?.parseRequestOptionsFromJSON !== undefined;
  const REASONS = { NotAllowedError: "stopped", AbortError: "stopped", InvalidStateError: "known", SecurityError: "address" };

  function say(form, reason) {
    for (const line of form.querySelectorAll("[data-says]")) line.hidden = line.dataset.says !== reason;
  }

  function ask(form) {
    const options = JSON.parse(form.dataset.options);
    return form.dataset.passkey === "create"
      ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  }

  async function answer(form, fresh) {
    say(form, null);
    if (form.dataset.passkey === "get" && !fresh) {
      location.hash = AGAIN;
      location.reload();
      return;
    }
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      form.elements.response.value = JSON.stringify((await ask(form)).toJSON());
      form.submit();
    } catch (error) {
      say(form, REASONS[error.name] ?? "failed");
    } finally {
      button.disabled = false;
    }
  }

  for (const form of document.querySelectorAll("[data-passkey]")) {
    form.querySelector("[data-passkey-without]").hidden = true;
    if (!supported) {
      say(form, "unsupported");
      continue;
    }
    form.querySelector("[data-passkey-button]").hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer(form, performance.now() < FRESH);
    });
    if (location.hash === AGAIN) {
      history.replaceState(null, "", location.pathname + location.search);
      answer(form, true);
    }
  }
})();
