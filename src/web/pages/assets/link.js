// Takes what stands behind the # of a link into the form and out of the
// address. Presses nothing: the button is for a person. Without this script the
// link can be pasted.
(() => {
  const link = location.hash.slice(1);
  const field = document.querySelector("form[data-link] input[type=password]");
  if (!link || !field) return;
  field.value = link;
  field.parentElement.hidden = true;
  history.replaceState(null, "", location.pathname);
})();
