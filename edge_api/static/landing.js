const page = document.documentElement;
const state = document.getElementById("state");
const button = document.getElementById("language");

function show(language) {
  page.lang = language;
  button.textContent = language === "es" ? "English" : "Español";
}

button.hidden = false;
button.addEventListener("click", () => show(page.lang === "es" ? "en" : "es"));
show(navigator.language.startsWith("es") ? "es" : "en");

const example = document.getElementById("example");
example.textContent = example.textContent.replace("http://localhost:8000", location.origin);

fetch("/api/health/ready")
  .then((answer) => (state.dataset.state = answer.ok ? "ready" : "down"))
  .catch(() => (state.dataset.state = "down"));

fetch("/api/")
  .then((answer) => answer.json())
  .then((index) => (document.getElementById("version").textContent = index.version))
  .catch(() => undefined);
