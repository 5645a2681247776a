// In MLflow's own pages: its assistant runs commands on the server, so it is not served here, and
// would be in the way. Upstream opens it at the first visit.
"use strict";

localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");

const style = document.createElement("style");
style.textContent = "[data-assistant-ui] { display: none !important; }";
document.head.append(style);
