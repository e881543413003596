// Texts of recovery words and of the history that is read back, in both languages: loaded with their screens.

const en = {
  "recover.title": "Make the vault anew from its words",
  "recover.about": "The 24 words give this browser the keys of the vault that was lost. Its history is then read from the ledger. Credentials are not on the ledger: their departments issue them anew.",
  "recover.words": "The 24 words",
  "recover.words.about": "In their order, in English or in Chinese.",
  "recover.act": "Make the vault from the words",

  "words.title": "Recovery words",
  "words.about": "24 words from which your history can be found again in another browser, if this one is lost. Give the passphrase again to see them.",
  "words.show": "Show the words",
  "words.keep": "Write them down, on paper, in this order, where nobody sees them. Whoever has them and a copy of the vault needs no passphrase.",
  "words.written": "I have written them down",
  "words.hide": "Hide them",
  "words.check": "Type these from what you have written down.",
  "words.number": "Word {number}",
  "words.compare": "Compare",
  "words.wrong": "That is not what was shown. Look at the words again and mend what you have written.",
  "words.again": "Show the words again",
  "words.right": "You have written them down rightly. Keep the paper like the vault.",

  "reading.title": "The history on the ledger",
  "reading.about": "Every entry of the ledger is read, as by everybody, so nobody learns which are yours. What this vault's keys open is yours. It can be stopped at any time and goes on where it was.",
  "reading.never": "This vault has not read the ledger yet.",
  "reading.far": "{read} of {size} entries are read. What is found is shown once all of it is what the log has signed.",
  "reading.done": "All {size} entries are read and are what the log has signed. Of this vault's own: {found}.",
  "reading.limits": "What the lost vault had not sent yet is not there, and neither are credentials and full receipts.",
  "reading.start": "Read the ledger",
  "reading.stop": "Stop",
} as const;

const zh: Readonly<Record<keyof typeof en, string>> = {
  "recover.title": "用恢复词重新建立凭证库",
  "recover.about": "24 个恢复词使此浏览器得到遗失的凭证库的密钥，随后从账本读回使用记录。凭证不在账本上，需由部门重新签发。",
  "recover.words": "24 个恢复词",
  "recover.words.about": "按原来的顺序，中文或英文均可。",
  "recover.act": "用恢复词建立凭证库",

  "words.title": "恢复词",
  "words.about": "如果此浏览器遗失，凭这 24 个词可在另一浏览器找回您的使用记录。请再次输入口令以查看。",
  "words.show": "显示恢复词",
  "words.keep": "请在无人看见处按顺序抄写在纸上。持有它们和凭证库副本的人，无需口令即可打开。",
  "words.written": "我已抄下",
  "words.hide": "隐藏",
  "words.check": "请按您抄下的内容输入以下各词。",
  "words.number": "第 {number} 个词",
  "words.compare": "核对",
  "words.wrong": "与显示的不符。请再看一遍，改正您所抄的内容。",
  "words.again": "再次显示恢复词",
  "words.right": "抄写无误。请像保管凭证库一样保管它。",

  "reading.title": "账本上的使用记录",
  "reading.about": "逐条读取账本的全部条目，人人如此，因此无人得知哪些是您的。能用此凭证库的密钥打开的即是您的。可随时停止，以后从原处继续。",
  "reading.never": "此凭证库尚未读取过账本。",
  "reading.far": "已读取 {size} 条中的 {read} 条。全部与日志签名一致后，才显示找到的内容。",
  "reading.done": "已读取全部 {size} 条，均与日志签名一致，其中此凭证库自己的有 {found} 条。",
  "reading.limits": "遗失的凭证库尚未发出的内容不在其中，凭证与完整回执也不在其中。",
  "reading.start": "读取账本",
  "reading.stop": "停止",
};

export const recovery = { en, zh };
