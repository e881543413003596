"""演示中的故事所说的话，中文。 What the demo's stories say, in Chinese."""

from typing import Final

MESSAGES: Final = {
    "error.story_unknown": "没有名为 {story} 的故事；可选：{known}。",
    "error.nobody_fits": "城中无人可担任 {part} 一角。",
    "stories.ill": "不符合预期",
    "stories.seconds": "{title}（{seconds} 秒）",
    "stories.saved.title": "与纸质办理相比省下了什么（逐一计数）",
    "stories.saved.0": "项目",
    "stories.saved.1": "数量",
    "stories.saved.uses": "被接受的答复",
    "stories.saved.visits": "跑部门的次数：每份答复中每个部门一次",
    "stories.saved.documents": "要开具的证明：答复中每份凭证一份",
    "stories.saved.copies": "留在对方手中的复印件",
    "stories.saved.minutes": "分钟数，假定每跑一次 {visit} 分钟、每份复印件 {copy} 分钟",
    "stories.no_leak": (
        "在服务、核验方和账本的每个文件中查找了全部 {people} 人的号码；"
        "除学校自身记录中向它出示的 {shown} 个外均未发现。"
    ),
    "stories.leak": "发现明文号码：{where}",
    "stories.well": "每个故事都如预期，用时 {seconds} 秒。",
    "stories.not_well": "并非每个故事都如预期（{seconds} 秒）。",
    "story.city.title": "城市：各部门批量把记录归还给每个人。",
    "story.city.departments": "{count} 个部门已登记，公布了密钥、数表和累加器。",
    "story.city.accounts": "{count} 人凭认识他们的部门发的代码登记了账户。",
    "story.city.offered": (
        "向 {people} 人发放了 {items} 个数据项的 {count} 份凭证，每条记录一份，用时 {seconds} 秒。"
    ),
    "story.city.waiting": "{people} 人的收件箱里有 {count} 份待领取。",
    "story.school.title": "学校的早晨：各家凭部门所述报名入学。",
    "story.school.owner": (
        "有自有住房的家庭被录取：使用 {documents} 份凭证，出示 {shown} 个值（区县、孩子姓名和号码）。"
    ),
    "story.school.buyer": "已购房的家庭被录取：使用 {documents} 份凭证，出示 {shown} 个值。",
    "story.school.permit_employed": (
        "凭居住证和工作租房的家庭被录取：使用 {documents} 份凭证，出示 {shown} 个值。"
    ),
    "story.school.no_more": "学校没有得到其他任何人的姓名，也没有日期、收入和住址。",
    "story.school.too_young": "孩子年龄不足",
    "story.school.elsewhere": "家庭不在招生范围内",
    "story.school.not_vaccinated": "孩子的预防接种不完整",
    "story.school.again": "另一方家长为同一个孩子再次报名",
    "story.loan.title": "贷款：银行几秒内决定，看不到任何数字。",
    "story.loan.decided": "银行在 {seconds} 秒内凭 {documents} 份凭证作出决定，没有看到任何值。",
    "story.loan.filed": "存档为一个 {octets} 字节的文件；只用日志公钥核验，无需服务。",
    "story.errands.title": "一件事：一次提交，每个窗口只得到自己的部分。",
    "story.errands.appointed": "企业委托会计办理一个数据项和一件事，为期 90 天。",
    "story.errands.licence": "她出示委托，领到企业的营业执照凭证。",
    "story.errands.company": "一次提交，{counters} 个窗口办理员工参保；没有窗口看到注册资本或她是谁。",
    "story.errands.ended": "企业终止委托之后，同一经办人再办",
    "story.errands.newborn": "一次提交，{counters} 个窗口办理新生儿登记；最后一个窗口只看到区县。",
    "story.lost-phone.title": "手机丢失：24 个词找回历史。",
    "story.lost.history": "新手机读完账本的 {entries} 条，找到自己的 {count} 条：与丢失的手机所知一样多。",
    "story.lost.account": "账户不变，凭部门的代码重新登记。",
    "story.lost.replaced": "部门重新签发身份证，取代丢失的那份。",
    "story.lost.old_account": "旧手机打开账户",
    "story.lost.old_phone": "旧手机出示身份证",
    "story.lost.goes_on": "新手机证明了主人的年龄。",
    "story.over-asking.title": "超范围索取的商店：登记的是核验年龄，却还要姓名。",
    "story.over.age": "商店得知买方已成年，没有看到任何值。",
    "story.over.service": "商店还索取姓名和性别",
    "story.over.vault": "同一请求，被运营服务的人放行",
    "story.over.history": "买方的历史中有记录：{shop} 索取超出许可，已在账本上。",
    "story.over.figures": "监管方的统计中有记录，不含任何个人：超范围索取 {count} 次，答复 {answered} 次。",
    "story.attacks.title": "什么必须失败，以及谁得知了什么。",
    "story.consortium.title": "九个城市彼此监督账本，谁也不能展示两个版本。",
    "story.consortium.step.start": "九个城市和监管方启动：九个日志、十个见证方，各为一个进程。",
    "story.consortium.step.receipts": "每个城市有一位家长答复学校；收据先为待定，随后被锚定。",
    "story.consortium.step.dead": "两个城市突然停止。",
    "story.consortium.step.cheat": "一个城市向部分人展示另一个账本。",
    "story.consortium.step.offline": "所有进程已结束；仅凭两个文件验证收据。",
    "story.consortium.started": "{cities} 个日志，各以其他城市和监管方为见证，{seconds} 秒后就绪。",
    "story.consortium.receipts": "{count} 张收据立即返回，状态为待定：只有日志自己签了名。",
    "story.consortium.anchored": (
        "其中 {count} 张在 {seconds} 秒内被锚定，每张至少 {least} 个见证；要求八城中的五城。"
    ),
    "story.consortium.two_dead": (
        "{dead} 停止后，新收据仍在 {seconds} 秒内由 {count} 个见证锚定，其中没有它们。"
    ),
    "story.consortium.caught": "监视器抓到城市 {city}：{fault}，{path} 可向任何人证明。",
    "story.consortium.offline": "离线：城市 {city} 的第 {index} 条收据由 {names} 的法定多数确认。",
    "story.consortium.step.order": "各市启动其联盟节点，共同的次序由此开始。",
    "story.consortium.logs_ordered": "{count} 个账本的检查点已进入同一次序，用时 {seconds} 秒。",
    "story.consortium.once": "一名儿童在 {city} 市入学：在次序中为第一，位于区块 {height}，且已证明。",
    "story.consortium.second": "同一名儿童在第二个城市再次入学",
    "story.consortium.order_goes_on": (
        "{dead} 的节点停止后，新的收据仍在 {seconds} 秒内于区块 {height} 定序。"
    ),
    "story.consortium.order_offline": "离线：收据已验证至联盟的区块头，即 {chain} 的区块 {height}。",
    "error.not_anchored": "城市 {city} 的收据未能及时锚定。",
    "error.no_alarm": "监视器没有发现某城市的行为。",
}
