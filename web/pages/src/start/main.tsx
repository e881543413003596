// The start page: where one can go.
import { type VNode, render } from "preact";

import { useText } from "../messages/index.js";
import { Shell } from "../ui/shell.js";
import "../ui/style.css";

function Start(): VNode {
  const text = useText();
  return (
    <Shell title={text("start.title")}>
      <section class="card">
        <h2>
          <a href="/chain/">{text("start.chain")}</a>
        </h2>
        <p>{text("start.chain.about")}</p>
      </section>
      <section class="card">
        <h2>
          <a href="/counter/">{text("start.counter")}</a>
        </h2>
        <p>{text("start.counter.about")}</p>
      </section>
    </Shell>
  );
}

render(<Start />, document.getElementById("page")!);
