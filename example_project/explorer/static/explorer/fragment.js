// The client of the implicit flow: reads the answer from the fragment and removes it from the history.
const form = document.getElementById("fragment-form");
if (location.hash.length > 1) {
  form.elements.answer.value = location.hash;
  history.replaceState(null, "", location.pathname);
  form.submit();
}
