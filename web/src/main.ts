// The entrance of the dashboard: styles, then the application.
import { mount } from "svelte";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import App from "./App.svelte";

const target = document.getElementById("app");
if (target === null) throw new Error("index.html has no #app");
mount(App, { target });
