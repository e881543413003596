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
    "web.demo_begins": "正在启动服务、九个见证方、各部门、一位市民、学校、办事大厅和一个监察方：约一分半钟。",
    "web.demo_open": "1. 用浏览器打开 {address}。浏览器不认识此演示的证书机构（{root}），请仍然继续。",
    "web.demo_chain": "2. 链上之窗：查看部门与学校写入账本的内容以及哪些城市已联署，并保存其密钥与策略。",
    "web.demo_counter": "3. 办事窗口：用 {code} 登录，选择办理事项，展开“以链接形式”。",
    "web.demo_answer": "4. 在另一终端以市民身份运行，把 LINK 换成该链接：\n"
    "   ZK_HOME={home} ZK_PASSPHRASE='{passphrase}' .venv/bin/zk vault present LINK\n"
    "   窗口会显示所证明的内容；请保存记录。",
    "web.demo_receipt": "5. 链上之窗的“核验回执”：选择该记录，查看证明图与核验结果。",
    "web.demo_alarms": "6. 链上之窗的“警报”：监察方发现 {cheat} 出示了两份账本。",
    "web.demo_enrolment": "7. 学校自己的网站（另一台服务）：打开 {site}，按下按钮，\n"
    "   用“在本机打开凭证库”的链接像第 4 步那样答复，并输入配对码。表格会自动填好。",
    "web.demo_centre": "8. 资源中心：用 {centre_code} 登录，查看谁提供哪些数据、谁可以询问、询问了多少次。",
    "web.demo_vault": "9. 浏览器中您自己的凭证库：打开 {address}vault/，建立凭证库，\n"
    "   在“扫描”中逐个粘贴部门的以下链接；然后再次在窗口询问，粘贴其链接，\n"
    "   阅读所问内容并同意，查看记录：\n   {offers}",
    "web.demo_inbox": "10. 收件箱：在同一凭证库的“扫描”中粘贴以下链接，并填写号码 {number}：\n"
    "   {account}\n"
    "   然后在另一终端让部门送达一份凭证，再打开收件箱：\n   {deliver}",
    "web.demo_board": "11. 两个窗口的一件事：在办事窗口的“一件事”中按“与来人开始办理”，展开“以链接形式”，\n"
    "   在另一终端以市民身份代企业开始办理：\n"
    "   ZK_PASSPHRASE='{passphrase}' {begin}\n"
    "   两个部分随即出现：分别打开，查看所证明与所申报的内容，并告知已办结。",
    "web.demo_end": "按 Ctrl-C 结束全部。",
    "web.ready": "网页位于 {address}",
    "web.stopped": "网页已停止提供。",
    "error.web_certificate": "证书与私钥须一并给出：--certificate、--private-key。",
}
