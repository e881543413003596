"""What people read of the pages' edge, in Chinese."""

from typing import Final

MESSAGES: Final = {
    "help.web": "网页：链上之窗及其他页面，供浏览器使用。",
    "help.web.serve": "提供网页，并把网页的调用转交给服务。",
    "help.web.pages": "已构建网页的文件夹（scripts/web.sh）。",
    "help.web.host": "监听地址。",
    "help.web.port": "监听端口；0 表示由系统选择。",
    "help.web.name": "除 localhost 外，人们访问网页所用的名称；可多次给出。",
    "help.web.certificate": "证书链（PEM）；不给出则为明文 HTTP，适用于本机或代理之后。",
    "help.web.private_key": "证书的私钥（PEM）。",
    "help.web.behind_tls": "前面的代理使用 TLS。",
    "help.web.policy": "链上之窗所示的策略文件（C2SP tlog-policy）。",
    "help.web.monitor": "监察方的文件夹，其警报由链上之窗显示。",
    "help.web.purpose": "本机验证方的策略文件，其窗口可据此询问；可多次给出。",
    "web.counter": "窗口已开设；窗口人员使用 {path} 中的代码登录",
    "help.web.errand": "窗口看板所办理的一件事，例如 newborn@1：凡其密钥与策略在此者均列出。",
    "help.web.errand_policy": "该事项某一窗口询问所依的策略文件；可多次给出。",
    "help.web.anchored": "待已固定策略的见证方联署后才接受答复和各部分。",
    "error.web_errand": "看板须同时给出事项及其窗口的策略：--errand、--errand-policy。",
    "error.web_policy_twice": "有两个策略的 id 相同：无法确定窗口依哪一个询问。",
    "error.web_no_step": "{bundle} 的任何窗口在此都没有验证方密钥与策略兼备的。",
    "web.board_overtaken": "其他窗口或持有人已先行一步：该部分已不是您所看到的状态。",
    "web.board_not_ready": "该部分所依赖的事项尚未办结。",
    "web.board_unknown": "看板上没有这个部分。",
    "web.board_reused": "这一操作此前已经发送过，但内容不同。",
    "web.board_text": "写给持有人的内容无法原样采用。",
    "help.web.centre_token": "监管方令牌的文件：开设资源中心页面，并以该令牌读取。",
    "help.web.centre_code": "登录资源中心所用代码的文件；未指定时在令牌旁生成。",
    "web.centre": "资源中心已开设；使用 {path} 中的代码登录",
    "error.web_centre_token": "资源中心的代码须与读取所用的令牌一并给出：--centre-token。",
    "error.web_code_short": "{path} 中的代码不足 {least} 个字符，可被逐个试出。",
    "help.web.demo": "启动带有示例人物的服务与全部网页，并说明步骤。",
    "help.web.output": "空文件夹，用于存放服务与各人物的资料。",
    "help.web.examples": "示例文件夹，人物据此建立。",
    "error.web_folder": "{path} 已被使用：请移走，或另行指定（--output）。",
    "web.demo_begins": "正在启动服务、九个见证方、各部门、一位市民、学校、办事大厅和一个监察方：约一分钟。",
    "web.demo_open": "1. 用浏览器打开 {address}。浏览器不认识此演示的证书机构\n"
    "   （{root}），请仍然继续。全部网页都由此进入，按“全部页面”可返回。",
    "web.demo_chain": "2. “链上之窗”：“联署”下是九个见证方，并已达法定联署；\n"
    "   “区块”下是部门与验证方写入账本的内容。在“您信任谁”下按“保存”，即显示“这是您保存的。”",
    "web.demo_vault": "3. “您的凭证库”：比对账本的密钥，其指纹应为\n"
    "   {fingerprint}\n"
    "   勾选“我已比对，或接受此服务器出示的密钥”，自定至少十个字符的口令，输入两次，按“建立凭证库”。\n"
    "   然后在“扫码”下逐个粘贴以下链接，按“打开链接”，再按“领取到凭证库”。最后“凭证”下有三份：\n"
    "   {permit}\n   {insurance}\n   {licence}",
    "web.demo_counter": "4. “办事窗口”，最好另开标签页：用 {code} 登录，\n"
    "   按“入学资格审核”，展开“以链接形式”。在凭证库的“扫码”下粘贴该链接，按“打开链接”，\n"
    "   阅读谁询问、对方将看到什么，按“同意并出示”：“已出示，此次使用已记入账本。”\n"
    "   窗口显示“已证明”：按“保存记录”。",
    "web.demo_terminal": "5. 在终端以另一位市民身份同样办理：在窗口按“下一位”，再次询问。\n"
    "   在终端把 LINK 换成该链接运行，阅读所问内容，输入 yes：\n"
    "   ZK_HOME={home} ZK_PASSPHRASE='{passphrase}' .venv/bin/zk vault present 'LINK'\n"
    "   窗口显示“已证明”。",
    "web.demo_receipt": "6. “链上之窗”的“核验回执”：选择该记录的文件，按“核验”。\n"
    "   显示“回执成立。”，见证方已联署，并画出证明图。",
    "web.demo_alarms": "7. 同处的“警报”：监察方发现 {cheat} 出示了两份账本，“已证实”，证据可保存。",
    "web.demo_enrolment": "8. 学校自己的网站（另一台服务）：在凭证库所在的浏览器中打开 {site}，\n"
    "   按“用凭证库填写”，再按“在本机打开凭证库”。用口令打开凭证库，输入学校网页上的配对码，按“继续”，\n"
    "   再按“同意并出示”。学校网页显示“已证明，请补全表格。”：填好后按“提交登记”，显示“登记完成。”",
    "web.demo_centre": "9. “资源中心”：用 {centre_code} 登录。“部门”下是谁提供数据，\n"
    "   “策略”下是谁可询问哪些数据，“统计”下是 {school} 询问和得到答复的次数。",
    "web.demo_inbox": "10. 收件箱：在凭证库的“扫码”下粘贴以下链接，按“打开链接”，填写号码\n"
    "   {number}，按“绑定此凭证库”：\n"
    "   {account}\n"
    "   然后在终端让部门送达一份凭证：\n"
    "   {deliver}\n"
    "   它出现在“收件箱”下：按它，再按“领取到凭证库”。",
    "web.demo_board": "11. 两个窗口的一件事：在“办事窗口”的“一件事”下按“与来人开始办理”，展开“以链接形式”。\n"
    "   在凭证库的“扫码”下粘贴该链接，按“打开链接”，再按“发起”，待出现后按“查看窗口的要求”。\n"
    "   填写表单，按“继续”，阅读每个窗口将看到的内容，按“同意并全部提交”。\n"
    "   窗口收到两个部分，随即“已收到”：分别打开，查看所证明与所申报的内容，按“已办结”。\n"
    "   凭证库显示“全部办结”。",
    "web.demo_end": "按 Ctrl-C 结束全部。",
    "web.ready": "网页位于 {address}",
    "web.stopped": "网页已停止提供。",
    "error.web_certificate": "证书与私钥须一并给出：--certificate、--private-key。",
}
