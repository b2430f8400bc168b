// The button that prints the page; it is hidden where there is no script to press it for.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
