// 中文，一件事。名称与 errands_en.ts 相同，由编译器核对。
import type { errandsEn } from "./errands_en.js";

export const errandsZh: Readonly<Record<keyof typeof errandsEn, string>> = {
  "vault.view.errands": "一件事",
  "home.errands": "一件事联办",

  "errands.about": "一件事一次提交给多个窗口。每个窗口只得到自己的部分，看不到其他窗口的。",
  "errands.own": "您的事项",
  "errands.none": "您还没有发起过。",
  "errands.there": "可以发起的事项",
  "errands.nothing": "没有可发起的事项。",
  "errands.begun": "发起于 {time}",

  "bundle.counters": "参与的窗口",
  "bundle.wants": "您向它申报：{fields}",
  "bundle.after": "在此之后办理：{counters}",
  "bundle.days": "自您提交起有 {days} 天办理时间",
  "bundle.nothing_yet": "发起时不会出示您的任何内容。窗口得知有人发起并提出要求，然后由您决定。",
  "bundle.begin": "发起",
  "bundle.beginning": "正在发起……",
  "bundle.not_now": "暂不",

  "errand.ends": "请在 {time} 前提交。",
  "errand.waits": "已通知各窗口。全部窗口提出要求后，会在这里显示。",
  "errand.look": "查看窗口的要求",
  "errand.asking": "窗口的要求",
  "errand.reading": "正在读取各窗口的要求，并在账本上核验……",
  "errand.sending": "已保存，连上服务后将原样提交。",
  "errand.parts": "各窗口",
  "errand.follow": "窗口告知的进度未经签名；回执证明您提交了什么。",
  "errand.told": "{time}：{text}",
  "errand.document": "文书：{document}",
  "errand.offer": "有一份凭证可领取。",
  "errand.take": "查看该凭证",
  "errand.submitted": "提交于 {time}：{state}",
  "errand.use": "出示的内容",
  "errand.retry": "重新打开这一部分",
  "errand.give_up": "放弃此事项",
  "errand.give_up.sure": "事项将终止，各窗口得不到任何内容。放弃一事记入账本；只有此凭证库知道是您。",
  "errand.give_up.yes": "放弃",
  "errand.give_up.no": "保留",

  "errand.missing": "不能全部答复。以下部分还有缺少：",
  "errand.nothing_yet": "在您同意之前，不会向任何窗口出示任何内容。",
  "errand.agree": "同意并全部提交",
  "errand.decline": "全部拒绝",
  "errand.proving": "正在此浏览器中生成证明并一并提交……",
};
