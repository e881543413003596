// Texts of the consent to an errand and of its forms, in both languages: loaded with their screen.

const en = {
  "title": "What the counters want to be told",
  "about": "No department has signed this: you say it yourself. Each counter can read its own form alone, and the service none.",
  "optional": "{field} (may be left out)",
  "octets": "{used} of {most} octets; a Chinese character takes three",
  "long": "This takes {used} octets, and {most} is the most: shorten it.",
  "wrong": "“{field}” cannot be taken like this. {how}",
  "how.text": "It is a text of at most {most} octets on one line, without signs that cannot be seen.",
  "how.number": "It is a whole number, in digits.",
  "how.date": "It is a day of the calendar.",
  "other": "Another way can be answered, if you choose it. That it was not the first may tell them what you do not have.",
  "next": "Go on",
  "again": "Change what I tell",
} as const;

const zh: Readonly<Record<keyof typeof en, string>> = {
  "title": "窗口要您申报的内容",
  "about": "这些内容没有部门签名，由您自己申报。每个窗口只能读自己的表单，服务一份也读不到。",
  "optional": "{field}（可不填）",
  "octets": "已用 {used} 字节，最多 {most} 字节；一个汉字占三个字节",
  "long": "已有 {used} 字节，最多 {most} 字节：请缩短。",
  "wrong": "“{field}”不能这样填写。{how}",
  "how.text": "应为一行文字，最多 {most} 字节，不含看不见的字符。",
  "how.number": "应为整数，用数字填写。",
  "how.date": "应为日历上的一天。",
  "other": "可以按另一种方式答复，由您选择。没有选第一种，对方可能由此得知您没有什么。",
  "next": "继续",
  "again": "修改申报内容",
};

export const forms = { en, zh };
