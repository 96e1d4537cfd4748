// All of the explorer works without this script, which makes it a little easier to use.

// Escape hides an explanation that covers something (WCAG 1.4.13), until the next one is asked for.
const dismissed = (on) => document.body.classList.toggle("dismissed", on);
addEventListener("keydown", (event) => event.key === "Escape" && dismissed(true));
for (const event of ["focusin", "pointerover"]) addEventListener(event, () => dismissed(false));

// A second click must not send a code a second time: that would be the attack of that name.
addEventListener("submit", (event) => { event.submitter?.setAttribute("disabled", ""); });

// A token that is left to expire is looked at again when its time is over.
const again = document.querySelector(".again");
const form = document.getElementById("after-let-expire");
if (again && form) {
  const end = Date.now() + again.dataset.seconds * 1000;
  const count = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    again.querySelector("span").textContent = left;
    if (left <= 0) form.submit();
    else setTimeout(count, 500);
  };
  again.hidden = false;
  count();
}
