// In MLflow's own pages: what is not served here would be in the way. Its assistant runs commands
// on the server, and upstream opens it at the first visit; its demo is refused; and nobody is told
// how its pages are used, so there is nothing to agree to.
"use strict";

localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
localStorage.setItem("mlflow.telemetry.info.alert.dismissed_v1", "true");

const hidden = [
  "[data-assistant-ui]",
  "div:has(> [data-component-id='mlflow.home.demo-banner.launch'])",
  "div:has(> div > [data-component-id='mlflow.settings.demo.clear-all-button'])",
  "div:has(> div > [data-component-id='mlflow.settings.telemetry.toggle-switch'])",
];
const style = document.createElement("style");
style.textContent = `${hidden.join(", ")} { display: none !important; }`;
document.head.append(style);
