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
    "web.ready": "网页位于 {address}",
    "web.stopped": "网页已停止提供。",
    "error.web_certificate": "证书与私钥须一并给出：--certificate、--private-key。",
}
