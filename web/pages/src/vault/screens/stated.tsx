// What an applicant states beforehand: a field for each attribute of the item that a person can write.
import type { TargetedInputEvent, VNode } from "preact";

import type { FieldView, Text, Written } from "../model.js";
import { useIn, useSay } from "../texts/index.js";

interface Props {
  readonly fields: readonly FieldView[];
  readonly written: Written;
  readonly write: (written: Written) => void;
}

export function Stated({ fields, written, write }: Props): VNode | null {
  const say = useSay();
  if (fields.length === 0) return null;
  return (
    <fieldset>
      <legend>{say("apply.values")}</legend>
      <p class="quiet">{say("apply.values_about")}</p>
      {fields.map((each) => (
        <Field
          key={each.id}
          field={each}
          said={written[each.id] ?? ""}
          write={(said) => write({ ...written, [each.id]: said })}
        />
      ))}
    </fieldset>
  );
}

interface FieldProps {
  readonly field: FieldView;
  readonly said: string;
  readonly write: (said: string) => void;
}

function Field({ field, said, write }: FieldProps): VNode {
  const say = useSay();
  const told = useIn();
  const id = `value-${field.id}`;
  const about = `${id}-bounds`;
  const { kind, least, most } = field;
  const bounded = least !== null && most !== null;
  const plain = {
    id,
    autocomplete: "off",
    "aria-describedby": bounded ? about : undefined,
    value: said,
    onInput: (event: TargetedInputEvent<HTMLInputElement>) => write(event.currentTarget.value),
  };
  return (
    <p>
      <label for={id}>{told(field.title)}</label>
      {(kind === "boolean" || kind === "code") && <Chosen id={id} field={field} said={said} write={write} />}
      {kind === "date" && <input type="date" min={least?.en} max={most?.en} {...plain} />}
      {kind === "integer" && <input type="text" inputMode="decimal" {...plain} />}
      {kind === "text" && <input type="text" maxLength={field.maxLength} {...plain} />}
      {bounded && (
        <span class="quiet" id={about}>
          {say("apply.between", { from: told(least), to: told(most) })}
        </span>
      )}
    </p>
  );
}

function Chosen({ id, field, said, write }: FieldProps & { id: string }): VNode {
  const say = useSay();
  const told = useIn();
  const choices: readonly (readonly [string, string])[] =
    field.kind === "boolean"
      ? [
          ["true", say("apply.true")],
          ["false", say("apply.false")],
        ]
      : field.codes.map(({ code, title }: { code: string; title: Text }) => [code, told(title)] as const);
  return (
    <select id={id} value={said} onChange={(event) => write(event.currentTarget.value)}>
      <option value="">{say("apply.unstated")}</option>
      {choices.map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}
