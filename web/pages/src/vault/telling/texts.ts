// The sentences of consents, by the module of Python that says them; written by python -m scripts.web_texts.

export const UNITS = {
  "CNY": {
    zh: "元",
    en: "CNY",
  },
  "months": {
    zh: "个月",
    en: "months",
  },
  "years": {
    zh: "年",
    en: "years",
  },
  "days": {
    zh: "天",
    en: "days",
  },
  "m2": {
    zh: "平方米",
    en: "m²",
  },
  "bp": {
    zh: "‱",
    en: "‱",
  },
};

export const CONSENT = {
  "heading": {
    zh: "{verifier} 请您出示信息",
    en: "{verifier} asks you to show something",
  },
  "who": {
    zh: "谁在询问：{verifier}（{name}）",
    en: "Who asks: {verifier} ({name})",
  },
  "named": {
    zh: "已签名的是 {name} 和它所问的全部内容；显示的名称由本服务所写，未经签名",
    en: "Signed are {name} and all that it asks; what it is called here is this service's own word",
  },
  "purpose": {
    zh: "用途：{purpose}",
    en: "What for: {purpose}",
  },
  "ends": {
    zh: "请在此之前答复：{time}",
    en: "To be answered before: {time}",
  },
  "policy": {
    zh: "按已登记的规则询问：{policy}",
    en: "By the registered policy {policy}",
  },
  "basis": {
    zh: "法律依据：{basis}",
    en: "Legal basis: {basis}",
  },
  "keeps": {
    zh: "保存期限：{days} 天",
    en: "Kept for {days} days",
  },
  "keeps_nothing": {
    zh: "保存期限：看后不保存",
    en: "Kept: not at all after it was looked at",
  },
  "receipt_pending": {
    zh: "您的答复一有回执即予接受",
    en: "Your answer is accepted as soon as there is a receipt",
  },
  "receipt_anchored": {
    zh: "您的答复须经账本的见证方联署后才予接受",
    en: "Your answer is accepted only once witnesses of the ledger have cosigned it",
  },
  "receipt_ordered": {
    zh: "您的答复须进入各城市共有的次序后才予接受",
    en: "Your answer is accepted only once it is in the order that all cities share",
  },
  "counts": {
    zh: "合计：出示 {shown} 项，另有 {proven} 项只作证明、不出示",
    en: "In all: {shown} shown, {proven} more proven about without being shown",
  },
  "first_time": {
    zh: "{verifier} 第一次在这台设备上询问您",
    en: "{verifier} has never asked you on this device before",
  },
  "record": {
    zh: "{verifier} 在这台设备上的记录：您答复过 {answers} 次，拒绝过 {declined} 次",
    en: "{verifier} on this device: you answered {answers} times and said no {declined} times",
  },
  "last_time": {
    zh: "最近一次答复：{time}",
    en: "Last answered: {time}",
  },
  "over_asked": {
    zh: "注意：{verifier} 曾 {times} 次索要超出其登记规则的内容，均已被拒绝",
    en: "Note: {verifier} has asked {times} times for more than it may, and was refused",
  },
  "credential": {
    zh: "出示《{schema}》",
    en: "From your {schema}",
  },
  "reveals": {
    zh: "{verifier} 将看到：",
    en: "{verifier} will see:",
  },
  "hides": {
    zh: "不会看到（继续保密）：",
    en: "It will not see (stays hidden):",
  },
  "hides_nothing": {
    zh: "这份凭证的内容将全部出示。",
    en: "Nothing in it stays hidden.",
  },
  "value": {
    zh: "{attribute}：{value}",
    en: "{attribute}: {value}",
  },
  "item": {
    zh: "{attribute}",
    en: "{attribute}",
  },
  "issuer": {
    zh: "签发部门：{department}（将得知是该部门签发了这种凭证）",
    en: "Issued by: {department} (it learns that this department signed such a credential)",
  },
  "expiry": {
    zh: "有效期至：{date}",
    en: "Valid until: {date}",
  },
  "expiry_hidden": {
    zh: "有效期",
    en: "how long it is valid",
  },
  "absent": {
    zh: "（未填写）",
    en: "(left out)",
  },
  "true": {
    zh: "是",
    en: "yes",
  },
  "false": {
    zh: "否",
    en: "no",
  },
  "code": {
    zh: "{name}（{code}）",
    en: "{name} ({code})",
  },
  "secret": {
    zh: "（从不显示）",
    en: "(never shown)",
  },
};

export const SENTENCES = {
  "heading": {
    zh: "{verifier} 请您出示并证明信息",
    en: "{verifier} asks you to show and to prove something",
  },
  "credential": {
    zh: "使用《{schema}》",
    en: "From your {schema}",
  },
  "sees": {
    zh: "{verifier} 将看到：",
    en: "{verifier} will see:",
  },
  "proves": {
    zh: "将向 {verifier} 证明，但不出示：",
    en: "It is proven to {verifier}, without being shown:",
  },
  "escrows": {
    zh: "将加密给监管机构：",
    en: "It is encrypted to a regulator:",
  },
  "hides": {
    zh: "继续保密：",
    en: "It stays hidden:",
  },
  "value": {
    zh: "{attribute}：{value}",
    en: "{attribute}: {value}",
  },
  "item": {
    zh: "{attribute}",
    en: "{attribute}",
  },
  "proven": {
    zh: "{attribute}：{clauses}",
    en: "{attribute}: {clauses}",
  },
  "issuer": {
    zh: "签发部门：{department}（将得知是该部门签发了这种凭证）",
    en: "Issued by: {department} (it learns that this department signed such a credential)",
  },
  "expiry": {
    zh: "有效期至：{date}",
    en: "Valid until: {date}",
  },
  "valid_on": {
    zh: "证明这份凭证在{date}有效，但不出示有效期至哪一天",
    en: "proves that it is valid on {date}, without showing until when",
  },
  "unrevoked": {
    zh: "证明截至{time}这份凭证没有被吊销",
    en: "proves that it was not revoked as of {time}",
  },
  "behind": {
    zh: "是否被吊销：您同意后先与签发部门的吊销名单核对（服务只看到有人来取）；若已吊销，什么也不发送",
    en: "whether it was revoked: once you agree, this is checked with the department's list first (the service sees that somebody fetches it); nothing is sent if it was revoked",
  },
  "waived": {
    zh: "是否被吊销：不作证明",
    en: "whether it was revoked: nothing is proven of that",
  },
  "schemas": {
    zh: "会得知您用的是可接受的 {count} 种凭证中的这一种（{name}）",
    en: "It learns that you use this one of {count} kinds that it accepts ({name})",
  },
  "keys": {
    zh: "会得知凭证由可接受的 {count} 个签发密钥中的哪一个签发",
    en: "It learns by which of {count} accepted keys it was signed",
  },
  "registers": {
    zh: "会得知凭证按 {count} 种吊销核对方式中的哪一种核对，由此知道它登记在哪一份吊销名单",
    en: "It learns which of {count} accepted lists of revocations yours is kept by",
  },
  "together": {
    zh: "合起来证明",
    en: "Proven of all of it together",
  },
  "one_holder": {
    zh: "证明这些凭证都属于同一个人：您",
    en: "Proves that all of it belongs to one holder: you",
  },
  "branch": {
    zh: "会得知您选择了 {count} 种答复方式中的“{branch}”",
    en: "It learns that you answer by “{branch}”, one of {count} ways",
  },
  "pseudonyms": {
    zh: "谁能再次认出谁",
    en: "Who will recognise whom",
  },
  "in_pseudonym": {
    zh: "不出示；由它得出一个假名，以便日后认出是同一个（见下文）",
    en: "not shown; a pseudonym is made of it, so that the same one is recognised later (see below)",
  },
  "in_equal": {
    zh: "与其他凭证所说的一致（见下文）",
    en: "is one and the same with others (see below)",
  },
  "in_commitment": {
    zh: "作为数额承诺下来（见下文），不出示数值",
    en: "is committed to (see below), without showing the number",
  },
  "me": {
    zh: "{who} 在“{label}”用途下能再次认出您；单凭这个假名，换一个用途或换一家就认不出",
    en: "{who} will recognise you whenever you come again for “{label}”; by this pseudonym alone for nothing else",
  },
  "me_joint": {
    zh: "{who} 都能认出是同一个您来过（“{label}”：{purpose}），并且可以互相核对",
    en: "{who} will each recognise you, and can tell each other that you came (“{label}”: {purpose})",
  },
  "subject": {
    zh: "{who} 在“{label}”用途下能再次认出您的《{schema}》所说的人或物（凭“{attribute}”，不出示）",
    en: "{who} will recognise the one whom your {schema} is about, if it comes again for “{label}” (by “{attribute}”, which is not shown)",
  },
  "subject_joint": {
    zh: "{who} 都能认出您的《{schema}》所说的人或物（凭“{attribute}”，不出示），并且可以互相核对（“{label}”：{purpose}）",
    en: "{who} will each recognise the one whom your {schema} is about (by “{attribute}”, which is not shown), and can tell each other (“{label}”: {purpose})",
  },
  "linked": {
    zh: "这些假名在同一份答复里，{verifier} 从此知道它们彼此对应（{labels}）",
    en: "They come in one answer: from now on {verifier} knows that these belong together ({labels})",
  },
  "label": {
    zh: "“{label}”",
    en: "“{label}”",
  },
  "chooser": {
    zh: "选定这个秘密的{department}见到时也能认出",
    en: "{department}, which chose that secret, can recognise it too wherever it sees it",
  },
  "escrow": {
    zh: "把《{schema}》中的“{attribute}”加密给{regulator}（{name}）。",
    en: "Encrypts “{attribute}” from your {schema} to {regulator} ({name}).",
  },
  "escrow_power": {
    zh: "该机构的两名经办人合在一起能打开（只应在依法办案时打开）；一人打不开，{verifier} 也打不开。守规矩的经办人先把自己的一份记上账本，您的凭证库能认出来，再交给另一人；从那时起另一人就可能已经知道。两人都不守规矩，就能私下打开，谁也看不出。",
    en: "Its two officers together can open this, and may only in a lawful case; one of them cannot, nor can {verifier}. An honest officer's part stands on the ledger, where your vault recognises it, before the other officer has it; from then on that one may know. Two dishonest officers can open this in silence, and nobody sees it.",
  },
  "claim": {
    zh: "领取《{schema}》",
    en: "Claim your {schema}",
  },
  "claim_base": {
    zh: "不向{department}出示任何内容，但会告诉它一个代表这个凭证库的固定编号；它把编号和您的身份一起保存，您再次来领取基础凭证时能认出是同一个凭证库。",
    en: "No attribute is shown to {department}, but it is told a fixed number that stands for this vault and keeps it with who you are: it will know this vault again whenever you claim a base credential there.",
  },
  "and": {
    zh: "、",
    en: ", ",
  },
  "unknown_regulator": {
    zh: "一个监管机构",
    en: "a regulator",
  },
};

export const CLAUSES = {
  "at_least": {
    zh: "证明不少于 {low}，不出示数值",
    en: "proves that it is at least {low}, without showing the number",
  },
  "at_most": {
    zh: "证明不多于 {high}，不出示数值",
    en: "proves that it is at most {high}, without showing the number",
  },
  "between": {
    zh: "证明在 {low} 到 {high} 之间（含两端），不出示数值",
    en: "proves that it is from {low} to {high}, without showing the number",
  },
  "day_from": {
    zh: "证明是{low}或之后，不出示日期",
    en: "proves that it is {low} or later, without showing the date",
  },
  "day_until": {
    zh: "证明是{high}或之前，不出示日期",
    en: "proves that it is {high} or earlier, without showing the date",
  },
  "day_between": {
    zh: "证明在{low}到{high}之间（含两端），不出示日期",
    en: "proves that it is from {low} to {high}, without showing the date",
  },
  "exactly": {
    zh: "等于出示了：{value}",
    en: "as good as shown: it is {value}",
  },
  "one_of": {
    zh: "证明是下列之一，不出示是哪一个：{names}",
    en: "proves that it is one of these, without showing which: {names}",
  },
  "in_list": {
    zh: "证明在 {owner} 公布的名单之中，不出示是哪一个；其中可能的有：{names}",
    en: "proves that it is in a list of {owner}, without showing which; of it there can be: {names}",
  },
  "in_long_list": {
    zh: "证明在 {owner} 公布的名单之中，不出示是哪一个；其中可能的有 {count} 项",
    en: "proves that it is in a list of {owner}, without showing which; it can be {count} of it",
  },
  "not_equal": {
    zh: "证明不是 {value}，此外什么也不出示",
    en: "proves that it is not {value}, and shows nothing else of it",
  },
  "equal": {
    zh: "证明与 {others} 相同，不出示内容",
    en: "proves that it is the same as {others}, without showing it",
  },
  "all_equal": {
    zh: "证明下列各项说的都是同一个：{names}",
    en: "Proves that all of these are about one and the same: {names}",
  },
  "not_shown": {
    zh: "，不出示内容",
    en: ", without showing it",
  },
  "in_sum": {
    zh: "计入下面的合计",
    en: "counts in the sum below",
  },
  "operand": {
    zh: "《{schema}》中的“{attribute}”",
    en: "“{attribute}” in your {schema}",
  },
  "sum_least": {
    zh: "证明 {terms} 合计不少于 {low}",
    en: "Proves that the sum of {terms} is at least {low}",
  },
  "sum_most": {
    zh: "证明 {terms} 合计不多于 {high}",
    en: "Proves that the sum of {terms} is at most {high}",
  },
  "sum_between": {
    zh: "证明 {terms} 合计在 {low} 到 {high} 之间",
    en: "Proves that the sum of {terms} is from {low} to {high}",
  },
  "sum_exactly": {
    zh: "出示 {terms} 的合计：{low}",
    en: "Shows the sum of {terms}: it is {low}",
  },
  "no_term": {
    zh: "，不出示任何一项",
    en: ", without showing any of it",
  },
  "foreign": {
    zh: "另一个人的一项数额（{id}）",
    en: "a number of another holder's ({id})",
  },
  "own_number": {
    zh: "您交出的数额（{id}）",
    en: "the number that you hand over ({id})",
  },
  "other_operand": {
    zh: "对方《{schema}》中的“{attribute}”",
    en: "“{attribute}” in the other one's {schema}",
  },
  "times": {
    zh: "{factor} 倍的{operand}",
    en: "{factor} times {operand}",
  },
  "capped": {
    zh: "{operand}（最多计 {cap}）",
    en: "{operand} (counted up to {cap})",
  },
  "plus": {
    zh: "，加上",
    en: ", plus ",
  },
  "comma": {
    zh: "、",
    en: ", ",
  },
};

export const ASKING = {
  "earlier": {
    zh: "排在前面的“{branch}”问的是：{asked}",
    en: "An earlier way, “{branch}”, asks: {asked}",
  },
  "earlier_unread": {
    zh: "排在前面的还有“{branch}”",
    en: "An earlier way was “{branch}”",
  },
  "suggests": {
    zh: "您选了后面的方式，对方会猜测前面的您答复不了",
    en: "That you choose a later way suggests that you could not answer by an earlier one",
  },
  "credential": {
    zh: "持有《{schema}》",
    en: "to hold a {schema}",
  },
  "shown": {
    zh: "出示《{schema}》中的{names}",
    en: "to show {names} from your {schema}",
  },
  "clause": {
    zh: "{attribute}：{clause}",
    en: "{attribute}: {clause}",
  },
  "escrow": {
    zh: "把{attribute}加密给监管机构",
    en: "to encrypt {attribute} to a regulator",
  },
  "pseudonyms": {
    zh: "能再次认出您",
    en: "to recognise you again",
  },
  "semicolon": {
    zh: "；",
    en: "; ",
  },
  "comma": {
    zh: "、",
    en: ", ",
  },
};

export const LACKING = {
  "none-held": {
    zh: "您还没有{names}",
    en: "You do not have {names} yet",
  },
  "expired": {
    zh: "您的{names}已过期",
    en: "Your {names} has expired",
  },
  "key-retired": {
    zh: "您的{names}由已停用的密钥签发",
    en: "Your {names} is signed by a key that is out of use",
  },
  "key-not-accepted": {
    zh: "您的{names}由对方不接受的密钥签发",
    en: "Your {names} is signed by a key that is not accepted here",
  },
  "revoked": {
    zh: "您的{names}已被签发部门吊销",
    en: "Your {names} has been revoked by its department",
  },
  "overdue": {
    zh: "服务给出的{names}的吊销记录太旧，您的凭证库不按旧记录作证明；请稍后再试",
    en: "The list of revocations that the service has for your {names} is too old for your vault to prove anything by; try again later",
  },
  "no-witness": {
    zh: "您的{names}没有未被吊销的凭据，需要重新领取",
    en: "Your {names} has no witness that it is not revoked: get it anew",
  },
  "used-twice": {
    zh: "这里要两份不同的{names}，您只有一份",
    en: "Two different ones of {names} are asked for, and you have one",
  },
  "absent": {
    zh: "您的{names}没有填写这里要用的内容",
    en: "Your {names} leaves out what is needed here",
  },
  "regulator-not-trusted": {
    zh: "对方要求把您的身份加密给一个您的凭证库不信任的密钥（{digest}）",
    en: "It is asked to encrypt your identity to a key that your vault does not trust ({digest})",
  },
  "other-holder": {
    zh: "要计入另一个人的一项数额，对方的凭证库还没有把它交给您的凭证库",
    en: "A number of another holder's is counted, which has not been handed over to your vault",
  },
  "unmet": {
    zh: "不满足：{sentence}",
    en: "Does not hold: {sentence}",
  },
  "apply": {
    zh: "可向{departments}申请",
    en: "Apply at {departments}",
  },
  "schema": {
    zh: "《{name}》",
    en: "“{name}”",
  },
  "or": {
    zh: "或",
    en: " or ",
  },
  "way": {
    zh: "若按“{branch}”答复，还缺：",
    en: "To answer by “{branch}” there is missing:",
  },
  "whole": {
    zh: "可以按“{branch}”答复",
    en: "You can answer by “{branch}”",
  },
};

export const JOINT = {
  "joint": {
    zh: "和另一个人合计",
    en: "Adding up with another holder",
  },
  "commitment": {
    zh: "{verifier} 得到对{operand}的一个承诺（“{id}”）：看不到数值，但可以请另一个人把它计入合计",
    en: "{verifier} gets a commitment (“{id}”) to {operand}: it does not see the number, and may ask another holder to prove a sum that counts it",
  },
  "handing": {
    zh: "只有您的凭证库把这个数额交给那个人，才能合计；交出之前会再问您，交出后那个人就永久知道准确数额",
    en: "That takes your vault to hand the number over to the other holder, which you are asked for then: that holder learns the exact number, for good",
  },
  "counted": {
    zh: "计入另一个人的一项数额（“{id}”）：此人已向 {verifier} 承诺，由{departments}签发，在 {low} 到 {high} 之间",
    en: "A number of another holder's is counted (“{id}”), who has committed to it for {verifier}: signed by {departments}, from {low} to {high}",
  },
  "belongs": {
    zh: "{verifier} 会得知您的答复和那个人的答复有关联",
    en: "{verifier} learns that your answer and that holder's belong together",
  },
  "two_holders": {
    zh: "{verifier} 会核对您和那个人不是同一个人",
    en: "{verifier} checks that you are not that holder",
  },
  "holders_waived": {
    zh: "不核对您和那个人是不是同一个人",
    en: "It is not checked that you are not that holder",
  },
  "same_subject": {
    zh: "{verifier} 会核对您的{operand}和那个人的是同一个",
    en: "{verifier} checks that {operand} is the same as that holder's",
  },
  "hand_over": {
    zh: "把一项数额交给另一个人",
    en: "Hand a number over to another holder",
  },
  "number": {
    zh: "{operand}：{value}。另一个人将得知这个准确数额，收不回来，并且能向别人证明它是真的",
    en: "{operand}: {value}. The other holder learns this exact number, which cannot be taken back, and can prove to others that it is true",
  },
  "nobody_else": {
    zh: "{verifier} 和传递它的人都看不到这个数额；请确认那串密钥直接来自那个人的设备",
    en: "Neither {verifier} nor whoever carries it sees the number; make sure that the key came from the other one's own device",
  },
  "who": {
    zh: "谁要合计：{verifier}（{name}）",
    en: "Who asks for the sum: {verifier} ({name})",
  },
  "purpose": {
    zh: "用途：{purpose}",
    en: "What for: {purpose}",
  },
  "ends": {
    zh: "此后不能再用：{time}",
    en: "Good for nothing after: {time}",
  },
  "other_proves": {
    zh: "另一个人将用它：",
    en: "With it the other holder:",
  },
  "and": {
    zh: "、",
    en: ", ",
  },
};

export const ERRANDS = {
  "heading": {
    zh: "办理“{bundle}”：一次提交，{count} 个窗口各得各的部分",
    en: "{bundle}: submitted once, {count} counters each get their own part",
  },
  "about": {
    zh: "{about}",
    en: "{about}",
  },
  "ends": {
    zh: "请在此之前提交：{time}",
    en: "To be submitted before: {time}",
  },
  "part": {
    zh: "第 {number} 部分（共 {count} 部分）：{counter}",
    en: "Part {number} of {count}: {counter}",
  },
  "declares": {
    zh: "您向 {counter} 申报（只有该窗口能读，服务读不到）：",
    en: "You declare to {counter} (only that counter can read it, the service cannot):",
  },
  "value": {
    zh: "{field}：{value}",
    en: "{field}: {value}",
  },
  "left_out": {
    zh: "（未填写）",
    en: "(left out)",
  },
  "none_shared": {
    zh: "没有一项内容会被两个窗口同时看到。",
    en: "Nothing is seen by more than one counter.",
  },
  "shared": {
    zh: "不止一个窗口会看到的内容（这些窗口可据此知道是同一个人）：",
    en: "Seen by more than one counter (by it these could find out that it is the same person):",
  },
  "shared_item": {
    zh: "《{schema}》{attribute}：{counters}",
    en: "{attribute} of your {schema}: {counters}",
  },
  "shared_expiry": {
    zh: "《{schema}》的有效期：{counters}",
    en: "Until when your {schema} is valid: {counters}",
  },
  "shared_declared": {
    zh: "您申报的{attribute}：{counters}",
    en: "{attribute}, as you declare it: {counters}",
  },
};

export const ERRAND_STATES = {
  "waiting": {
    zh: "窗口尚未提出要求",
    en: "its counter has not asked yet",
  },
  "asked": {
    zh: "窗口已提出要求",
    en: "its counter has asked",
  },
  "submitted": {
    zh: "已提交",
    en: "submitted",
  },
  "received": {
    zh: "已收到",
    en: "received",
  },
  "in_progress": {
    zh: "办理中",
    en: "in progress",
  },
  "done": {
    zh: "已办结",
    en: "done",
  },
  "rejected": {
    zh: "已退回",
    en: "rejected",
  },
  "ended": {
    zh: "已终止",
    en: "ended",
  },
  "stage_begun": {
    zh: "未提交",
    en: "not submitted",
  },
  "stage_submitted": {
    zh: "已提交",
    en: "submitted",
  },
  "stage_ended": {
    zh: "已结束",
    en: "over",
  },
  "all_done": {
    zh: "全部办结",
    en: "Everything is done",
  },
};
