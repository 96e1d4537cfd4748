// The step under the pointer or the keyboard's focus is marked in the diagram. Works without it, too.
for (const step of document.querySelectorAll(".steps [data-step]")) {
  const arrow = document.querySelector(`.diagram [data-step="${step.dataset.step}"]`);
  const mark = (on) => () => arrow.classList.toggle("marked", on);
  for (const event of ["focus", "mouseenter"]) step.addEventListener(event, mark(true));
  for (const event of ["blur", "mouseleave"]) step.addEventListener(event, mark(false));
}
