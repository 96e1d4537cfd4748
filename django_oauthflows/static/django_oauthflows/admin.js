// Adds a copy button beside everything marked data-copy. Without scripts the text can be selected as ever.
(() => {
  "use strict";
  const addButton = (source) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = gettextOr("Copy");
    button.addEventListener("click", async () => {
      const text = source.textContent;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        select(source);
        document.execCommand("copy");
      }
      button.textContent = gettextOr("Copied");
      button.setAttribute("aria-live", "polite");
    });
    source.after(button);
  };
  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  const gettextOr = (text) => (typeof window.gettext === "function" ? window.gettext(text) : text);
  const start = () => document.querySelectorAll("[data-copy]").forEach(addButton);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
