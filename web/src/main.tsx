import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "./page.css";

import { createRoot } from "react-dom/client";

import { GraphiQLPage } from "./GraphiQLPage";

const root = document.getElementById("page");
if (root === null) throw new Error("index.html has no element with the id page");
createRoot(root).render(<GraphiQLPage address={window.location.search} />);
