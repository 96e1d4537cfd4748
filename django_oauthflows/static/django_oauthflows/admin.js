// Adds a copy button beside everything marked data-copy, and opens what is marked data-open-wide where there is space.
// Without scripts the text can be selected, and unfolded, as ever.
(() => {
  "use strict";
  const words = document.currentScript.dataset;
  const addButton = (source) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = words.copyLabel;
    button.addEventListener("click", async () => {
      const text = source.textContent;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        select(source);
        document.execCommand("copy");
      }
      button.textContent = words.copiedLabel;
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
  // Folded on a phone, where the page's own content comes first.
  const unfold = (details) => {
    details.open = window.matchMedia("(min-width: 64rem)").matches;
  };
  const start = () => {
    document.querySelectorAll("[data-copy]").forEach(addButton);
    document.querySelectorAll("[data-open-wide]").forEach(unfold);
    document.querySelector(".oaf-tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
