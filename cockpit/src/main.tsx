/** The entry of the page. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@patternfly/patternfly/patternfly-base.css";
import { App } from "./app.tsx";
import { fabric } from "./fabric.ts";
import "./page.css";
import { followTheme } from "./theme.ts";

followTheme();
fabric.open();
const place = globalThis.document.getElementById("app");
if (place === null) throw new Error("index.html has no element for the page");
createRoot(place).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
