// Texts of regulators, in both languages: loaded with their screen.

const en = {
  "title": "Whom your identity may be sealed for",
  "about": "Some questions want your identity sealed for a regulator, to be opened in one case by its two officers together. Such a question can be answered only if you trust that regulator here; no question can add one. Those listed here stand on the ledger.",
  "none": "No regulator is published.",
  "away": "The service cannot be reached: only those that you trust are shown.",
  "unlisted": "What is published could not be read, or does not hold: only those that you trust are shown.",
  "asking": "What is published is being read; those that you trust are here already.",
  "key": "Its key",
  "trusted": "You trust it.",
  "untrusted": "You do not trust it.",
  "gone": "You trust it, and it is not published any more.",
  "trust": "Trust it …",
  "ask": "May your identity be escrowed to this key of two officers? Both together can open it, neither alone, and nobody else. An honest officer's part stands on the ledger before the other has it; two dishonest ones can open it unseen. Compare the key with what the regulator publishes.",
  "yes": "Yes, trust it",
  "no": "No",
  "distrust": "Trust it no more",
  "distrust.about": "What was sealed for it before stays sealed for it.",
} as const;

const zh: Readonly<Record<keyof typeof en, string>> = {
  "title": "您的身份可密封给谁",
  "about": "有的询问要求把您的身份密封给监管方，由其两名经办人在个案中共同解开。只有您在此信任该监管方，才能答复这样的询问；任何询问都不能自行添加。此处所列均已记入账本。",
  "none": "没有公布任何监管方。",
  "away": "无法连接服务：只显示您已信任的。",
  "unlisted": "公布的内容读取失败或不成立：只显示您已信任的。",
  "asking": "正在读取公布的内容；您已信任的先列于此。",
  "key": "其密钥",
  "trusted": "您信任它。",
  "untrusted": "您不信任它。",
  "gone": "您信任它，但它已不再公布。",
  "trust": "信任它……",
  "ask": "允许把您的身份托管给这把两名经办人的密钥吗？两人合在一起能解开，一人不能，其他人也不能。守规矩的经办人先把自己的一份记上账本，再交给另一人；两人都不守规矩，就能不为人知地解开。请与监管方公布的密钥核对。",
  "yes": "同意，信任它",
  "no": "不",
  "distrust": "不再信任",
  "distrust.about": "此前密封给它的内容仍密封给它。",
};

export const regulators = { en, zh };
